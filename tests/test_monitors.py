import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.special

from ssl_jax import monitors


def normal(n, d, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(n, d)))


@pytest.mark.parametrize("d", [128, 2048])
def test_spread_is_one_when_isotropic_whatever_the_width_and_the_norms(strict, d):
    z = normal(512, d)
    np.testing.assert_allclose(monitors.spread(z), 1, rtol=0.01)
    np.testing.assert_allclose(monitors.spread(z * jnp.arange(1.0, 513.0)[:, None]), monitors.spread(z), rtol=1e-10)


def test_spread_is_simsiams_number_times_the_root_of_d(strict):
    z = np.random.default_rng(0).normal(size=(50, 7)) + 2
    rows = np.stack([row / np.sqrt(sum(v * v for v in row)) for row in z])
    np.testing.assert_allclose(monitors.spread(jnp.asarray(z)), np.mean(rows.std(0)) * np.sqrt(7), rtol=1e-10)


def test_everything_knows_collapse(strict):
    z = jnp.ones((64, 8)) * 3
    np.testing.assert_allclose(monitors.spread(z), 0, atol=1e-7)
    np.testing.assert_allclose(monitors.uniformity(z), 0, atol=1e-10)
    np.testing.assert_allclose(monitors.effective_rank(z), 1, atol=1e-3)
    np.testing.assert_allclose(monitors.dead(z), 1)
    views = jnp.broadcast_to(z[:, None], (64, 2, 8))
    np.testing.assert_allclose(list(monitors.similarities(views, views).values()), (1, 1), rtol=1e-10)
    np.testing.assert_allclose(monitors.entropy(jax.nn.softmax(1e4 * z * jnp.arange(8.0)[None])), 0, atol=1e-10)
    np.testing.assert_allclose(monitors.used(z), 1)
    assert monitors.collapsed(z) and not monitors.collapsed(normal(64, 8))


def test_rank_anchors(strict):
    """Measured in numpy: iid 2048 x 128 gives 126.97, rank 10 gives 9.9, a constant 1.0002, an offset of 5 52.2."""
    z = normal(2048, 128)
    np.testing.assert_allclose(monitors.effective_rank(z), 126.97, atol=0.05)
    np.testing.assert_allclose(monitors.effective_rank(z[:, :10] @ normal(10, 128, 1)), 9.9, atol=0.15)
    np.testing.assert_allclose(monitors.effective_rank(jnp.ones((2048, 128))), 1.0002, atol=1e-3)
    np.testing.assert_allclose(monitors.effective_rank(z + 5), 52.2, atol=0.5)
    np.testing.assert_allclose(monitors.effective_rank(monitors.centered(z + 5)), 126.97, atol=0.1)


@pytest.mark.parametrize(("d", "anchor"), [(2, -1.575), (8, -3.08), (32, -3.75), (128, -3.938), (512, -3.984)])
def test_uniformity_of_a_full_sphere(strict, d, anchor):
    np.testing.assert_allclose(monitors.uniformity(normal(2000, d)), anchor, atol=0.02)


def test_uniformity_and_alignment_are_those_of_the_loops(strict):
    a, b = np.random.default_rng(1).normal(size=(2, 12, 5))
    u, v = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    pairs = [np.exp(-2 * np.sum((u[i] - u[j]) ** 2)) for i in range(12) for j in range(i)]
    np.testing.assert_allclose(monitors.uniformity(jnp.asarray(a)), np.log(np.mean(pairs)), rtol=1e-10)
    apart = np.mean([np.sum((u[i] - v[i]) ** 2) for i in range(12)])
    np.testing.assert_allclose(monitors.alignment(jnp.asarray(a), jnp.asarray(b)), apart, rtol=1e-10)


@pytest.mark.parametrize(("v", "w"), [(2, 2), (4, 2), (1, 2)])
def test_similarities_are_those_of_the_loops(strict, v, w):
    g = np.random.default_rng(1)
    a, b = g.normal(size=(5, v, 3)), g.normal(size=(5, w, 3))
    cosine = np.einsum("ivd,jwd->ivjw", *(z / np.linalg.norm(z, axis=-1, keepdims=True) for z in (a, b)))
    every = [(i, s, j, t) for i in range(5) for s in range(v) for j in range(5) for t in range(w)]
    found = monitors.similarities(jnp.asarray(a), jnp.asarray(b))
    positive = np.mean([cosine[at] for at in every if at[0] == at[2] and at[1] != at[3]])
    negative = np.mean([cosine[at] for at in every if at[0] != at[2]])
    np.testing.assert_allclose(found["similarity/positive"], positive, rtol=1e-10)
    np.testing.assert_allclose(found["similarity/negative"], negative, rtol=1e-10)


def test_without_pairs_a_similarity_is_zero(strict):
    one = normal(1, 4)[:, None]
    assert list(monitors.similarities(one, one).values()) == [0, 0]


def test_entropy_is_between_one_prototype_and_all(strict):
    k = 16
    np.testing.assert_allclose(monitors.entropy(jnp.full((4, 8, k), 1 / k)), np.log(k), rtol=1e-10)
    np.testing.assert_allclose(monitors.entropy(jnp.eye(k)), 0, atol=1e-10)
    np.testing.assert_allclose(monitors.entropy(jnp.stack([jnp.eye(k), jnp.full((k, k), 1 / k)])), np.log(k) / 2)


def test_prototypes_used_and_dead_dimensions_count(strict):
    scores = jnp.zeros((4, 2, 10)).at[:, 0, 7].set(1.0).at[jnp.arange(4), 1, jnp.arange(4) % 3].set(1.0)
    np.testing.assert_allclose(monitors.used(scores), 4)
    z = normal(50, 4).at[:, 1].set(7.0)
    np.testing.assert_allclose(monitors.dead(z), 0.25)


def test_zero_embeddings_are_no_nan_and_bfloat16_is_widened():
    for monitor in monitors.REPORT.values():
        assert jnp.isfinite(jax.jit(monitor)(jnp.zeros((16, 4))))
        assert jax.jit(monitor)(jnp.ones((16, 4), jnp.bfloat16)).dtype == jnp.float32


def test_matches_by_loops():
    g = np.random.default_rng(3)
    a, b = g.normal(size=(2, 9, 4)) + 0.5
    u, v = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    table = u @ v.T
    found = monitors.matches(jnp.asarray(a), jnp.asarray(b))
    np.testing.assert_allclose(found["similarity/positive"], np.trace(table) / 9, rtol=1e-5)
    np.testing.assert_allclose(found["similarity/negative"], (table.sum() - np.trace(table)) / 72, rtol=1e-5)
    np.testing.assert_allclose(found["similarity/gap"], np.linalg.norm(u.mean(0) - v.mean(0)), rtol=1e-5)


def test_the_decay_of_a_spectrum_is_the_power_it_was_made_with(strict):
    """Against numpy's weighted fit, and the exponent that went in."""
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(400, 60)))
    basis -= basis.mean(0)
    z = np.linalg.qr(basis)[0] * np.arange(1, 61) ** -0.6
    np.testing.assert_allclose(monitors.spectral_decay(jnp.asarray(z)), 1.2, rtol=1e-6)
    noisy = z * np.random.default_rng(1).uniform(0.5, 2, 60)
    variances = np.linalg.svd(noisy - noisy.mean(0), compute_uv=False) ** 2
    j = np.arange(11, 61)
    slope = np.polyfit(np.log(j), np.log(variances[10:]), 1, w=j**-0.5)[0]
    np.testing.assert_allclose(monitors.spectral_decay(jnp.asarray(noisy)), -slope, rtol=1e-10)
    assert monitors.spectral_decay(jnp.ones((50, 8))) == jnp.inf


def test_lidar_is_the_entropy_of_the_discriminants_eigenvalues(strict):
    n, q, d, delta = 40, 5, 6, 1e-4
    random = np.random.default_rng(0)
    z = random.normal(size=(n, 1, d)) * np.array([3, 2, 1, 1, 0.5, 0.1]) + 0.3 * random.normal(size=(n, q, d))
    means = z.mean(1)
    within = sum(np.outer(v - m, v - m) for views, m in zip(z, means, strict=True) for v in views) / (n * (q - 1))
    between = sum(np.outer(m - means.mean(0), m - means.mean(0)) for m in means)
    values = scipy.linalg.eigh(between, within + delta * np.eye(d), eigvals_only=True)
    p = values / values.sum() + 1e-7
    np.testing.assert_allclose(monitors.lidar(jnp.asarray(z)), np.exp(-np.sum(p * np.log(p))), rtol=1e-8)


def test_lidar_tells_collapsed_embeddings_from_those_of_examples_apart(strict):
    random = np.random.default_rng(1)
    objects, views = random.normal(size=(64, 1, 8)), 0.1 * random.normal(size=(64, 6, 8))
    line = np.zeros(8)
    line[0] = 1
    np.testing.assert_allclose(monitors.lidar(jnp.ones((64, 6, 8))), 1, atol=1e-4)
    assert monitors.lidar(jnp.asarray(objects * line + views)) < 2 < 7 < monitors.lidar(jnp.asarray(objects + views))


@pytest.mark.parametrize("correlation, candidates", [(0.9, 16), (0.9, 256), (0.99, 16)])
def test_the_bound_on_information_is_below_it_and_below_log_n(strict, correlation, candidates):
    """Of two normal numbers the information is -log(1 - rho^2) / 2, and the critic is known."""
    random, pairs = np.random.default_rng(2), 400
    x = random.normal(size=(pairs, candidates))
    y = correlation * x + np.sqrt(1 - correlation**2) * random.normal(size=x.shape)
    ratio = -((y[:, None] - correlation * x[:, :, None]) ** 2) / (2 * (1 - correlation**2))  # [pair, x, y]
    loss = np.mean(scipy.special.logsumexp(ratio, 1) - np.diagonal(ratio, axis1=1, axis2=2))
    bound, truth = float(monitors.information_bound(jnp.asarray(loss), candidates)), -np.log(1 - correlation**2) / 2
    assert bound < min(truth, np.log(candidates)) + 0.02
    assert bound > (0.9 if candidates == 256 else 0.6) * min(truth, np.log(candidates))
