import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import distillation

cosine, negative_cosine = jax.jit(distillation.cosine), jax.jit(distillation.negative_cosine)
cross_entropy, across_views = jax.jit(distillation.cross_entropy), jax.jit(distillation.across_views)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def distance_by_loops(p, z):
    """|| p / |p| - z / |z| ||^2, as BYOL's paper writes it."""
    total = 0
    for a, b in zip(p, z, strict=True):
        gap = a / np.sqrt((a * a).sum()) - b / np.sqrt((b * b).sum())
        total += (gap * gap).sum()
    return total / len(p)


def across_views_by_loops(targets, logits):
    values = []
    for t in range(targets.shape[1]):
        for s in range(logits.shape[1]):
            if t != s:
                logs = np.log(softmax(logits[:, s]))
                values.append(-(targets[:, t] * logs).sum() / len(targets))
    return sum(values) / len(values)


def test_cosine_is_the_squared_distance_of_unit_vectors(strict, gradient):
    p, z = normal(0, 5, 4), normal(1, 5, 4)
    value, slope = jax.value_and_grad(cosine)(p, z)
    assert_allclose(value, distance_by_loops(p, z), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: distance_by_loops(x, z), p), atol=1e-10)
    assert_allclose(negative_cosine(p, z), value / 2 - 1, rtol=1e-10)


def test_cosine_at_known_points(strict):
    x = normal(2, 6, 3)
    orthogonal = np.cross(x, normal(3, 6, 3))
    for target, distance, similarity in ((3 * x, 0, -1), (-x, 4, 1), (orthogonal, 2, 0)):
        assert_allclose(cosine(x, target), distance, atol=1e-12)
        assert_allclose(negative_cosine(x, target), similarity, atol=1e-12)
    assert np.isfinite(jax.grad(cosine)(np.zeros((2, 3)), x[:2])).all()


@pytest.mark.parametrize("v", [2, 5])
def test_across_views_is_the_mean_over_other_views(strict, gradient, v):
    targets, logits = softmax(normal(4, 3, 2, 4)), normal(5, 3, v, 4)
    value, slope = jax.value_and_grad(across_views, 1)(targets, logits)
    assert_allclose(value, across_views_by_loops(targets, logits), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: across_views_by_loops(targets, x), logits), atol=1e-10)


def test_across_views_never_pairs_a_view_with_itself(strict):
    # Each view predicts its own target perfectly and the other's target not at all.
    targets = np.eye(2)[None]
    logits = 30 * np.eye(2)[None]
    assert_allclose(across_views(targets, logits), 30, rtol=1e-9)
    assert_allclose(across_views(targets, logits[:, ::-1]), 0, atol=1e-9)


def test_across_views_symmetries(strict):
    targets, logits = softmax(normal(6, 4, 2, 5)), normal(7, 4, 2, 5)
    value = across_views(targets, logits)
    assert_allclose(across_views(targets[:, ::-1], logits[:, ::-1]), value, rtol=1e-12)
    assert_allclose(across_views(targets[..., ::-1], logits[..., ::-1]), value, rtol=1e-12)
    assert_allclose(across_views(targets[::-1], logits[::-1]), value, rtol=1e-12)
    assert_allclose(across_views(targets, logits + 5), value, rtol=1e-12)


def test_cross_entropy_at_known_points(strict):
    uniform = np.full((3, 8), 1 / 8)
    assert_allclose(cross_entropy(uniform, np.ones((3, 8))), np.log(8), rtol=1e-12)
    target = jax.nn.softmax(normal(8, 3, 8))
    assert_allclose(cross_entropy(target, np.zeros((3, 8))), np.log(8), rtol=1e-12)
    # With equal distributions it is their entropy, and so its gradient is 0.
    assert_allclose(jax.grad(cross_entropy, 1)(target, np.log(target)), 0, atol=1e-12)


@pytest.mark.parametrize("related", [1.0, 0.0])
def test_dino_at_initialization(related):
    # log k + 1 / (2 d ts^2) - rho / (d tt ts): k = 8192, d = 256, temperatures 0.04 and 0.1.
    g = np.random.default_rng(9)
    unit = lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)  # noqa: E731
    prototypes, student, other = unit(g.normal(size=(8192, 256))), g.normal(size=(16, 256)), g.normal(size=(16, 256))
    teacher = student if related else other
    target = softmax(unit(teacher) @ prototypes.T / 0.04)
    value = cross_entropy(target, unit(student) @ prototypes.T / 0.1)
    assert_allclose(value, np.log(8192) + 1 / (2 * 256 * 0.01) - related / (256 * 0.04 * 0.1), atol=0.1)


def test_extreme_logits_have_finite_gradients(strict):
    target, logits = jax.nn.softmax(normal(10, 3, 2, 4)), normal(11, 3, 3, 4)
    value, slope = jax.value_and_grad(across_views, 1)(target, logits * 1e6)  # no log of a zero probability
    assert np.isfinite(value) and np.isfinite(slope).all()
