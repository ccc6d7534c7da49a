import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import distilled


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def slope(criterion, seen):
    return jax.grad(lambda x: criterion.loss({}, {}, seen._replace(student=x))[0])(seen.student)


def numerically(loss, x, step=1e-6):
    """Central differences of a numpy function, entry by entry."""
    found = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        found[place] = (loss(up) - loss(down)) / (2 * step)
    return found


def test_features_by_loops(strict, see):
    seen = see(4, 2, 2, 5)
    value, metrics = distilled.features().loss({}, {}, seen)
    rows = [((seen.student[i, t] - seen.teacher[i, t]) ** 2).sum() for i in range(4) for t in range(2)]
    assert_allclose(value, np.mean(rows), rtol=1e-12)
    assert_allclose(slope(distilled.features(), seen), 2 * (seen.student - seen.teacher) / 8, rtol=1e-10)
    spread = [((seen.teacher[:, t] - seen.teacher[:, t].mean(0)) ** 2).sum(-1).mean() for t in range(2)]
    error = [((seen.student[:, t] - seen.teacher[:, t]) ** 2).sum(-1).mean() for t in range(2)]
    assert_allclose(metrics["teacher/explained"], np.mean(1 - np.divide(error, spread)), rtol=1e-10)


def test_soft_targets_by_loops(strict, see):
    seen, tau = see(4, 2, 2, 5), 3.0

    def by_loops(student):
        terms = []
        for i in range(4):
            for t in range(2):
                p, q = softmax(seen.teacher[i, t] / tau), softmax(student[i, t] / tau)
                terms.append(tau**2 * sum(p[k] * (np.log(p[k]) - np.log(q[k])) for k in range(5)))
        return np.mean(terms)

    criterion = distilled.soft_targets(temperature=tau)
    value, metrics = criterion.loss({}, {}, seen)
    assert_allclose(value, by_loops(seen.student), rtol=1e-10)
    assert_allclose(slope(criterion, seen), numerically(by_loops, seen.student), atol=1e-8)
    exact = tau * (softmax(seen.student / tau) - softmax(seen.teacher / tau)) / 8
    assert_allclose(slope(criterion, seen), exact, rtol=1e-10)
    agreed = seen.student.argmax(-1) == seen.teacher.argmax(-1)
    assert_allclose(metrics["agreement"], agreed.mean(), rtol=1e-6)


def test_what_is_equal_up_to_a_constant_has_no_loss_and_no_gradient(strict, see):
    seen = see(4, 1, 1, 5)
    seen = seen._replace(student=seen.teacher + 7.0)
    criterion = distilled.soft_targets(temperature=4.0)
    assert_allclose(criterion.loss({}, {}, seen)[0], 0, atol=1e-12)
    assert_allclose(slope(criterion, seen), 0, atol=1e-12)


def test_at_a_high_temperature_it_is_the_distance_of_centered_logits(strict, see):
    seen = see(4, 1, 1, 5)
    centered = lambda x: x - x.mean(-1, keepdims=True)  # noqa: E731
    found = slope(distilled.soft_targets(temperature=1e4), seen)
    assert_allclose(found, centered(seen.student - seen.teacher) / 5 / 4, rtol=1e-3, atol=1e-6)


def test_other_widths_are_refused_in_words(see):
    seen = see(4, 1, 1, 5)
    with pytest.raises(ValueError, match="the teacher says 6 numbers a view and the student 5"):
        distilled.features().init(jax.random.key(0), seen._replace(teacher=jnp.zeros((4, 1, 6))))
