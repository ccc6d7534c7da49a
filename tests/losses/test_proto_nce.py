"""PCL's loss and concentrations against loops in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.losses import clustering

B, D, K = 6, 5, 9
LABELS = np.array([3, 1, 3, -1, 0, 7])
OTHERS, REAL = np.array([2, 8, 5, 4]), np.array([True, True, False, True])


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


def data():
    generator = np.random.default_rng(0)
    centroids = generator.normal(size=(K, D))
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    return generator.normal(size=(B, D)), centroids, generator.uniform(0.1, 0.4, K)


def oracle(query, centroids, phi):
    """Row by row, column by column."""
    columns = [label for label in LABELS if label >= 0] + [o for o, real in zip(OTHERS, REAL, strict=True) if real]
    values, place = [], 0
    for row, label in zip(query, LABELS, strict=True):
        if label < 0:
            continue
        q = row / np.sqrt(sum(x * x for x in row))
        scores = [sum(a * b for a, b in zip(q, centroids[c], strict=True)) / phi[c] for c in columns]
        values.append(np.log(sum(np.exp(s) for s in scores)) - scores[place])
        place += 1
    return np.mean(values)


def test_the_loss_is_that_of_loops_in_value_and_gradient():
    query, centroids, phi = data()
    loss = lambda q: clustering.proto_nce(q, jnp.asarray(LABELS), centroids, jnp.asarray(phi), OTHERS, REAL)  # noqa: E731
    value, grad = jax.value_and_grad(loss)(jnp.asarray(query))
    np.testing.assert_allclose(value, oracle(query, centroids, phi), rtol=1e-10)
    expected = np.zeros_like(query)
    for i in np.ndindex(query.shape):
        step = np.zeros_like(query)
        step[i] = 1e-5
        expected[i] = (oracle(query + step, centroids, phi) - oracle(query - step, centroids, phi)) / 2e-5
    np.testing.assert_allclose(grad, expected, atol=1e-9)
    assert not np.any(grad[LABELS < 0])


def test_chance_and_nothing():
    query, centroids, _ = data()
    same, every = jnp.broadcast_to(centroids[:1], (K, D)), np.ones(4, bool)
    args = same, jnp.full(K, 0.2), OTHERS, every
    np.testing.assert_allclose(clustering.proto_nce(query, jnp.arange(B), *args), np.log(B + 4))
    assert clustering.proto_nce(query, jnp.full(B, -1), *args) == 0


def test_concentrations_are_those_of_the_code():
    generator = np.random.default_rng(1)
    labels = np.concatenate([generator.integers(0, 6, 60), [6, -1, -1]])
    far = generator.uniform(0.1, 1.5, 63)
    density = np.zeros(8)  # cluster 6 has one row and 7 none
    for c in range(8):
        mine = far[labels == c]
        density[c] = mine.mean() / np.log(len(mine) + 10) if len(mine) > 1 else 0
    density[[6, 7]] = density.max()
    density = np.clip(density, np.percentile(density, 10), np.percentile(density, 90))
    found = clustering.concentrations(jnp.asarray(far), jnp.asarray(labels), clusters=8, temperature=0.2)
    np.testing.assert_allclose(found, 0.2 * density / density.mean(), rtol=1e-10)


def test_concentrations_of_copies_are_the_temperature():
    found = clustering.concentrations(jnp.zeros(10), jnp.arange(10) % 3, clusters=3, temperature=0.2)
    np.testing.assert_allclose(found, 0.2)


@pytest.mark.parametrize("at_once", [3, 16, 2**24])
def test_totals_in_pieces(at_once):
    labels, values = np.array([0, 2, -1, 2, 1, 0, 2]), np.arange(14.0).reshape(7, 2)
    found = clustering.totals(jnp.asarray(values), jnp.asarray(labels), clusters=4, scores_at_once=at_once)
    np.testing.assert_allclose(found, [values[labels == c].sum(0) for c in range(4)])
