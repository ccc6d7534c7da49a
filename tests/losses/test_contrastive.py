import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import contrastive

nt_xent, info_nce, unit = jax.jit(contrastive.nt_xent), jax.jit(contrastive.info_nce), jax.jit(contrastive.unit)
paired, in_batch = jax.jit(contrastive.paired), jax.jit(contrastive.in_batch)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def cos(a, b):
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def nt_xent_by_loops(views, temperature):
    """Eq. 1 for each of the 2b anchors, numbered as in the paper's algorithm 1."""
    z = views.reshape(-1, views.shape[-1])
    total = 0
    for i in range(len(z)):
        others = sum(np.exp(cos(z[i], z[k]) / temperature) for k in range(len(z)) if k != i)
        total += np.log(others) - cos(z[i], z[i ^ 1]) / temperature
    return total / len(z)


def info_nce_by_loops(query, key, negatives, temperature):
    total = 0
    for q, k in zip(query, key, strict=True):
        own = np.exp(cos(q, k) / temperature)
        total -= np.log(own / (own + sum(np.exp(cos(q, x) / temperature) for x in negatives)))
    return total / len(query)


def paired_by_loops(a, b, scale):
    """Figure 3: the cross-entropy of each row and of each column of the table of logits, whose targets are 0..n-1."""
    logits = np.array([[scale * cos(x, y) for y in b] for x in a])
    total = 0
    for i in range(len(a)):
        total -= np.log(np.exp(logits[i, i]) / sum(np.exp(logits[i, j]) for j in range(len(b))))
        total -= np.log(np.exp(logits[i, i]) / sum(np.exp(logits[j, i]) for j in range(len(a))))
    return total / (2 * len(a))


@jax.jit
def optax_ntxent(views, temperature):
    b, v, d = views.shape
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        return optax.losses.ntxent(views.reshape(b * v, d), np.repeat(np.arange(b), v), temperature)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_nt_xent_is_equation_1(strict, gradient, temperature):
    views = normal(0, 4, 2, 3)
    value, slope = jax.value_and_grad(nt_xent)(views, temperature)
    assert_allclose(value, nt_xent_by_loops(views, temperature), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: nt_xent_by_loops(x, temperature), views), atol=1e-10)


@pytest.mark.parametrize("v", [2, 4])
def test_nt_xent_agrees_with_optax_for_any_number_of_views(strict, v):
    views = normal(1, 6, v, 4)
    value, slope = jax.value_and_grad(nt_xent)(views, 0.3)
    expected, expected_slope = jax.value_and_grad(optax_ntxent)(views, 0.3)
    assert_allclose(value, expected, rtol=1e-10)
    assert_allclose(slope, expected_slope, atol=1e-10)


def test_nt_xent_at_known_points(strict):
    # Equal embeddings: each of 2b - 1 candidates is as likely.
    assert_allclose(nt_xent(np.ones((64, 2, 5)), 0.1), np.log(127), rtol=1e-12)
    assert_allclose(nt_xent(np.ones((10, 4, 5)), 0.1), np.log(1 + 4 * 9), rtol=1e-12)
    # Perfect positives, orthogonal negatives: -log(e^2 / (e^2 + 510)) at temperature 1/2 and 256 examples.
    perfect = np.repeat(np.eye(256)[:, None], 2, 1)
    assert_allclose(nt_xent(perfect, 0.5), np.log(1 + 510 * np.exp(-2)), rtol=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 0.1])
def test_nt_xent_of_isotropic_noise(strict, temperature):
    # E exp(cos / t) is about exp(1 / (2 d t^2)) for isotropic embeddings, and positives are unrelated.
    expected = np.log(511) + 1 / (2 * 128 * temperature**2)
    assert_allclose(nt_xent(normal(2, 256, 2, 128), temperature), expected, atol=0.1)


def test_nt_xent_symmetries(strict):
    views = normal(3, 7, 3, 4)
    value = nt_xent(views, 0.2)
    rotation = np.linalg.qr(normal(4, 4, 4))[0]
    scales = np.random.default_rng(5).uniform(0.1, 9, (7, 3, 1))
    order = np.random.default_rng(6).permutation(7)
    for same in (views[:, ::-1], views[order], views * scales, views @ rotation):
        assert_allclose(nt_xent(same, 0.2), value, rtol=1e-12)
    broken = np.stack([views[:, 0], views[order, 1], views[:, 2]], 1)
    assert abs(nt_xent(broken, 0.2) - value) > 1e-2


def test_nt_xent_of_one_example_is_zero(strict):
    value, slope = jax.value_and_grad(nt_xent)(normal(7, 1, 2, 3), 0.1)
    assert value == 0
    assert_allclose(slope, 0, atol=1e-12)


def test_nt_xent_limits_of_temperature(strict):
    views = normal(8, 5, 2, 6)
    assert_allclose(nt_xent(views, 1e9), np.log(9), rtol=1e-6)
    assert_allclose(nt_xent(np.repeat(views[:, :1], 2, 1), 1e-3), 0, atol=1e-12)
    assert np.isfinite(nt_xent(views, 1e-6))


def test_gradients_are_finite_at_zero(strict):
    views = normal(9, 4, 2, 3)
    for dead in (views * (np.arange(4) != 1)[:, None, None], np.zeros_like(views)):
        assert np.isfinite(jax.grad(nt_xent)(dead, 0.1)).all()


def test_unit_has_norm_one_and_a_finite_slope_at_zero(strict):
    x = normal(10, 5, 3)
    assert_allclose(np.linalg.norm(unit(x), axis=-1), 1, rtol=1e-12)
    assert_allclose(unit(x), x / np.linalg.norm(x, axis=-1, keepdims=True), rtol=1e-12)
    assert_allclose(jax.jacobian(unit)(np.zeros(3)), 1e6 * np.eye(3))


def test_bfloat16_is_promoted():
    views = np.asarray(normal(11, 6, 2, 8), jnp.bfloat16)
    value = nt_xent(views, 0.1)
    assert value.dtype == jnp.float32
    assert_allclose(value, nt_xent(views.astype(jnp.float32), 0.1), rtol=1e-6)


def test_temperature_may_be_a_traced_float32(strict):
    views = normal(12, 4, 2, 3)
    traced = jax.jit(lambda t: (nt_xent(views, t), info_nce(views[:, 0], views[:, 1], views[:, 0], t)))
    both = traced(np.float32(0.5))
    assert_allclose(both[0], nt_xent(views, 0.5), rtol=1e-12)
    assert_allclose(both[1], info_nce(views[:, 0], views[:, 1], views[:, 0], 0.5), rtol=1e-12)


def test_info_nce_is_equation_1(strict, gradient):
    query, key, negatives = normal(13, 3, 4), normal(14, 3, 4), normal(15, 5, 4)
    value, slopes = jax.value_and_grad(info_nce, (0, 1, 2))(*(query, key, negatives), 0.2)
    assert_allclose(value, info_nce_by_loops(query, key, negatives, 0.2), rtol=1e-10)
    for i, slope in enumerate(slopes):

        def one(x, i=i):
            arrays = [query, key, negatives]
            arrays[i] = x
            return info_nce_by_loops(*arrays, 0.2)

        assert_allclose(slope, gradient(one, [query, key, negatives][i]), atol=1e-10)


@pytest.mark.parametrize(("temperature", "published"), [(0.07, 0.087), (0.2, 6.19)])
def test_info_nce_of_equal_keys_and_a_random_queue(temperature, published):
    # MoCo's first step: n isotropic negatives give n exp(1 / (2 d t^2)) against exp(1 / t); d = 128.
    def expected(n):
        return np.log1p(n * np.exp(-1 / temperature + 1 / (256 * temperature**2)))

    assert_allclose(expected(65536), published, rtol=5e-3)
    query, negatives = normal(16, 32, 128), normal(17, 4096, 128)
    assert_allclose(info_nce(query, query, negatives, temperature), expected(4096), rtol=0.03)


def test_info_nce_at_other_known_points(strict):
    assert_allclose(info_nce(np.ones((2, 3)), np.ones((2, 3)), np.ones((9, 3)), 0.1), np.log(10), rtol=1e-12)
    rotation = np.linalg.qr(normal(18, 4, 4))[0]
    arrays = [normal(seed, 5, 4) for seed in (19, 20, 21)]
    assert_allclose(info_nce(*(x @ rotation for x in arrays), 0.2), info_nce(*arrays, 0.2), rtol=1e-12)
    assert_allclose(info_nce(arrays[0], arrays[1], arrays[2][::-1], 0.2), info_nce(*arrays, 0.2), rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1 / 0.07, 100.0])
def test_paired_is_figure_3(strict, gradient, scale):
    a, b = normal(22, 5, 4), normal(23, 5, 4)
    value, slopes = jax.value_and_grad(paired, (0, 1, 2))(a, b, scale)
    assert_allclose(value, paired_by_loops(a, b, scale), rtol=1e-10)
    assert_allclose(slopes[0], gradient(lambda x: paired_by_loops(x, b, scale), a), atol=1e-10)
    assert_allclose(slopes[1], gradient(lambda x: paired_by_loops(a, x, scale), b), atol=1e-10)
    assert_allclose(slopes[2], gradient(lambda x: paired_by_loops(a, b, x[()]), np.asarray(scale)), atol=1e-10)


def test_paired_at_known_points(strict):
    assert_allclose(paired(np.ones((64, 5)), np.ones((64, 5)), 14.3), np.log(64), rtol=1e-12)
    assert_allclose(paired(np.eye(8), np.eye(8), 3.0), np.log1p(7 * np.exp(-3.0)), rtol=1e-12)
    # Isotropic noise: log n + s^2 / (2 d), less what the positives among their n candidates are.
    assert_allclose(paired(normal(24, 512, 128), normal(25, 512, 128), 10.0), np.log(512) + 100 / 256, atol=0.1)
    assert_allclose(paired(normal(26, 6, 3), normal(26, 6, 3) * 7, 1e4), 0, atol=1e-12)


def test_paired_symmetries(strict):
    a, b, order = normal(27, 7, 4), normal(28, 7, 4), np.random.default_rng(29).permutation(7)
    rotation, value = np.linalg.qr(normal(30, 4, 4))[0], paired(a, b, 5.0)
    for same in ((b, a), (a[order], b[order]), (a @ rotation, b @ rotation), (3 * a, b / 7)):
        assert_allclose(paired(*same, 5.0), value, rtol=1e-12)
    assert abs(paired(a, b[order], 5.0) - value) > 1e-2


def in_batch_by_loops(query, key, temperature):
    """The cross-entropy of each query, whose target is the key of its own number."""
    terms = []
    for i, q in enumerate(query):
        scores = [np.exp(cos(q, k) / temperature) for k in key]
        terms.append(-np.log(scores[i] / sum(scores)))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_in_batch_is_the_cross_entropy_of_the_rows(strict, gradient, temperature):
    query, key = normal(31, 5, 4), normal(32, 5, 4)
    value, slopes = jax.value_and_grad(in_batch, (0, 1))(query, key, temperature)
    assert_allclose(value, in_batch_by_loops(query, key, temperature), rtol=1e-10)
    assert_allclose(slopes[0], gradient(lambda x: in_batch_by_loops(x, key, temperature), query), atol=1e-10)
    assert_allclose(slopes[1], gradient(lambda x: in_batch_by_loops(query, x, temperature), key), atol=1e-10)


def test_in_batch_at_known_points(strict):
    assert_allclose(in_batch(np.ones((64, 5)), np.ones((64, 5)), 0.1), np.log(64), rtol=1e-12)
    a, b = normal(33, 6, 3), normal(34, 6, 3)
    assert_allclose((in_batch(a, b, 0.2) + in_batch(b, a, 0.2)) / 2, paired(a, b, 5.0), rtol=1e-12)
