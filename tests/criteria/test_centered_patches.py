import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import centered, lenses

B, V, L, K = 5, 2, 6, 4


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def seen_by(see, seed=0, hidden=None, step=0):
    g = np.random.default_rng(seed)
    student, teacher = g.normal(size=(B, V, L, K)), g.normal(size=(B, V, L, K))
    hidden = g.random((B, V, L)) < 0.4 if hidden is None else hidden
    if seed == 0:
        hidden[1] = False  # one image hides nothing
    return see(B, V, V, K, student=student, teacher=teacher, batch={"hidden": hidden}, step=np.int32(step))


def by_loops(student, teacher, hidden, center, temperature):
    total = 0.0
    for v in range(V):
        for i in range(B):
            terms = []
            for j in range(L):
                if hidden[i, v, j]:
                    p = softmax((teacher[i, v, j] - center) / temperature)
                    terms.append(-sum(p[k] * np.log(softmax(student[i, v, j] / 0.2))[k] for k in range(K)))
            total += sum(terms) / max(len(terms), 1)
    return total / (B * V)


def warming(step):
    return jnp.float32(0.25) + jnp.float32(0.25) * jnp.minimum(step.astype(jnp.float32), jnp.float32(1))


def test_two_steps_by_loops(strict, see):
    criterion = centered.centered_patches(teacher_temperature=warming, student_temperature=0.2, center_momentum=0.8)
    _, state = criterion.init(jax.random.key(0), seen_by(see))
    center = np.zeros(K)
    for step, temperature in ((0, 0.25), (1, 0.5)):
        seen = seen_by(see, seed=step, step=step)
        loss = lambda x, seen=seen, state=state: criterion.loss({}, state, seen._replace(student=x))  # noqa: E731
        (value, metrics), slope = jax.value_and_grad(loss, has_aux=True)(seen.student)
        args = (seen.teacher, seen.batch["hidden"], center, temperature)
        assert_allclose(value, by_loops(seen.student, *args), rtol=1e-10)
        g = np.random.default_rng(9).normal(size=slope.shape)
        along = [by_loops(seen.student + s * g, *args) for s in (1e-6, -1e-6)]
        assert_allclose((slope * g).sum(), (along[0] - along[1]) / 2e-6, rtol=1e-7)
        assert not np.any(np.asarray(slope)[~seen.batch["hidden"]])
        assert_allclose(metrics["hidden"], seen.batch["hidden"].mean(), rtol=1e-6)
        state, center = criterion.update(state, seen), 0.8 * center + 0.2 * seen.teacher.mean((0, 1, 2))
        assert_allclose(state, center, rtol=1e-10)


def test_the_gradient_is_that_of_an_independent_formula(strict, see):
    """d/ds of a row is (softmax(s / t) - p) / t, over its image's hidden patches, images and views."""
    seen, hidden = seen_by(see), seen_by(see).batch["hidden"]
    criterion = centered.centered_patches(teacher_temperature=lambda step: jnp.float32(0.25), student_temperature=0.2)
    slope = jax.grad(lambda x: criterion.loss({}, np.zeros(K), seen._replace(student=x))[0])(seen.student)
    rows = (softmax(seen.student / 0.2) - softmax(seen.teacher / 0.25)) / 0.2
    weight = hidden / np.maximum(hidden.sum(-1, keepdims=True), 1) / (B * V)
    assert_allclose(slope, rows * weight[..., None], rtol=1e-10, atol=1e-14)


def test_nothing_hidden_leaves_dino(strict, see):
    flat = see(B, V, V, K)
    sharp = dict(teacher_temperature=lambda step: jnp.float32(0.25))
    seen = seen_by(see, hidden=np.zeros((B, V, L), bool))
    seen = seen._replace(
        student={"projection": flat.student, "dense": seen.student},
        teacher={"projection": flat.teacher, "dense": seen.teacher},
    )
    images, patches = centered.centered(**sharp), centered.centered_patches(**sharp)
    both = lenses.total(
        cls=(1.0, lenses.at(images, name="projection")), patches=(1.0, lenses.at(patches, name="dense"))
    )
    params, state = both.init(jax.random.key(0), seen)
    value, metrics = both.loss(params, state, seen)
    assert metrics["patches/loss"] == 0
    assert_allclose(value, images.loss({}, np.zeros(K), flat)[0], rtol=1e-12)


def test_a_method_that_hides_nothing_is_refused(see):
    criterion = centered.centered_patches(teacher_temperature=warming)
    with pytest.raises(ValueError, match="this loss is of hidden patches, and the method hides none"):
        criterion.init(jax.random.key(0), seen_by(see)._replace(batch={}))
