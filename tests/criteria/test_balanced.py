import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import balanced
from ssl_jax.losses import spreading
from ssl_jax.tasks import masks

SHARP = {"teacher_temperature": lambda step: jnp.float32(0.25), "student_temperature": 0.5}


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def log_softmax(x):
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def sinkhorn_by_loops(logits, iterations):
    """As DINOv2's code has it; logits: [n, k]."""
    q = np.exp(logits / 0.25).T
    q = q / q.sum()
    for _ in range(iterations):
        q = q / q.sum(1, keepdims=True) / len(q)
        q = q / q.sum(0, keepdims=True) / q.shape[1]
    return (q * q.shape[1]).T


def images_by_loops(student, teacher, iterations):
    """One weight for all terms: locals against both, and the two large crops against each other."""
    b, w, k = teacher.shape
    target = sinkhorn_by_loops(teacher.transpose(1, 0, 2).reshape(-1, k), iterations).reshape(w, b, k)
    total, terms = 0, 2 + 2 * (student.shape[1] - 2)
    for s in range(student.shape[1]):
        for t in range(w):
            if s != t:
                total -= (target[t] * log_softmax(student[:, s] / 0.5)).sum() / b / terms
    return total


def patches_by_loops(student, teacher, hidden, iterations):
    places = [place for place in np.ndindex(hidden.shape) if hidden[place]]
    target = sinkhorn_by_loops(np.stack([teacher[place] for place in places]), iterations)
    total, (b, v, _) = 0, hidden.shape
    for (i, s, p), row in zip(places, target, strict=True):
        total -= (row * log_softmax(student[i, s, p] / 0.5)).sum() / hidden[i, s].sum() / (b * v)
    return total


def koleo_by_loops(x, nearest):
    u, total = unit(x), 0
    for i, j in enumerate(nearest):
        d = u[i] - u[j] + 1e-8
        total -= np.log(np.sqrt((d * d).sum()) + 1e-8)
    return total / len(x)


def both(criterion, seen):
    return jax.jit(jax.value_and_grad(lambda x: criterion.loss({}, {}, seen._replace(student=x))[0]))(seen.student)


@pytest.mark.parametrize("v", [2, 4])
def test_images_by_loops_in_value_and_gradient(strict, see, gradient, v):
    seen = see(5, v, 2, 6)
    value, slope = both(balanced.balanced(**SHARP), seen)
    assert_allclose(value, images_by_loops(seen.student, seen.teacher, 3), rtol=1e-10)
    expected = gradient(lambda x: images_by_loops(x, seen.teacher, 3), seen.student)
    assert_allclose(slope, expected, atol=1e-10)


def listing(hidden, entries):
    """The list of a group that is the whole batch, and entries that are hidden nowhere behind it."""
    b, v, length = hidden.shape
    at = np.argsort(~hidden.reshape(-1), kind="stable")[None, : b * entries].astype(np.int32)
    real, count = hidden.reshape(-1)[at], hidden.sum(-1, dtype=np.int32).reshape(-1)[at // length]
    return masks.HiddenPatches(at, real.reshape(b, -1), count.reshape(b, -1))


def test_patches_by_loops_in_value_and_gradient(strict, see, gradient):
    g = np.random.default_rng(0)
    hidden = g.uniform(size=(3, 2, 4)) < 0.5
    hidden[1, 0] = False  # a view that hides nothing
    patches, listed = g.normal(size=(2, 3, 2, 4, 5)), listing(hidden, 5)
    assert hidden.sum() < 15, "nothing fills the list up"
    seen = see(3, 2, 2, 5)._replace(batch={"hidden": hidden, "listed": listed})
    criterion = balanced.balanced_patches(**SHARP, iterations=2)

    @jax.jit
    def loss(student, teacher):
        return criterion.loss({}, {}, seen._replace(student=listed.of(student), teacher=listed.of(teacher)))[0]

    value, slope = jax.value_and_grad(loss)(*patches)
    assert_allclose(value, patches_by_loops(*patches, hidden, 2), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: patches_by_loops(x, patches[1], hidden, 2), patches[0]), atol=1e-10)
    assert not slope[~hidden].any()
    other = patches[1] + np.where(hidden[..., None], 0, g.normal(size=hidden.shape)[..., None])
    assert_allclose(loss(patches[0], other), value)


def test_nothing_hidden_costs_nothing(strict, see):
    hidden, rows = np.zeros((3, 2, 4), bool), np.random.default_rng(0).normal(size=(2, 3, 1, 2, 5))
    batch = {"hidden": hidden, "listed": listing(hidden, 2)}
    value, slope = both(
        balanced.balanced_patches(**SHARP), see(3, 2, 2, 5, student=rows[0], teacher=rows[1], batch=batch)
    )
    assert value == 0 and not slope.any()
    with pytest.raises(ValueError, match="of listed hidden patches, and the method lists none"):
        balanced.balanced_patches(**SHARP).init(jax.random.key(0), see(3, 2, 2, 5))


def test_koleo_by_loops_in_value_and_gradient(strict, gradient):
    x = np.random.default_rng(1).normal(size=(7, 3))
    cosine = unit(x) @ unit(x).T - 9 * np.eye(7)
    value, slope = jax.jit(jax.value_and_grad(spreading.koleo))(x)
    assert_allclose(value, koleo_by_loops(x, cosine.argmax(1)), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: koleo_by_loops(x, cosine.argmax(1)), x), atol=1e-10)
    assert_allclose(spreading.koleo(5 * x[::-1]), value, rtol=1e-10)


def test_koleo_at_known_points(strict, see):
    assert_allclose(spreading.koleo(np.eye(4)), -np.log(2) / 2, rtol=1e-6)
    value, slope = jax.value_and_grad(spreading.koleo)(np.ones((4, 3)))
    assert 16 < value < 19 and np.isfinite(slope).all()


def test_koleo_is_of_each_large_view_and_of_groups_of_the_batch(strict, see):
    seen = see(8, 3, 2, 4)
    parts = [spreading.koleo(seen.student[start : start + 4, i]) for i in range(2) for start in (0, 4)]
    assert_allclose(both(balanced.koleo(among=4), seen)[0], sum(parts) / 2, rtol=1e-12)
    whole = [spreading.koleo(seen.student[:, i]) for i in range(2)]
    assert_allclose(both(balanced.koleo(), seen)[0], sum(whole), rtol=1e-12)
    with pytest.raises(ValueError, match="8 examples cannot be cut into groups of 3"):
        balanced.koleo(among=3).init(jax.random.key(0), seen)


def test_equal_logits_stay_uniform_and_cost_log_k(strict, see):
    seen = see(4, 2, 2, 6)._replace(student=np.zeros((4, 2, 6)), teacher=np.ones((4, 2, 6)))
    assert_allclose(both(balanced.balanced(**SHARP), seen)[0], np.log(6), rtol=1e-12)
