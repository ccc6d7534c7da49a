"""Moments in batches, and components, against numpy in float64 and scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.decomposition import PCA

from ssl_jax.passes import moments

N, D, K = 157, 9, 4
FAR = 1000.0
"""A mean against which the spread of the rows is small."""


def data(dtype=np.float64):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(N, D)) @ generator.normal(size=(D, D)) * np.linspace(3, 0.3, D) + FAR
    return x.astype(dtype)


def over(x, batch):
    """Moments of all rows in batches, the last filled up and one row bad."""
    held = moments.none(jnp.asarray(x[0]))
    for start in range(0, len(x), batch):
        index = np.minimum(np.arange(start, start + batch), len(x) - 1)
        real = (np.arange(start, start + batch) < len(x)) & (index != 3)
        held = jax.jit(moments.joined)(held, jnp.asarray(x[index]), jnp.asarray(real))
    return held, np.delete(x, 3, 0)


@pytest.mark.parametrize("batch", [1, 7, 64, 500])
def test_in_any_batches_they_are_those_of_all_rows(batch):
    with jax.enable_x64(True):
        held, x = over(data(), batch)
        centered = x - x.mean(0)
        assert held.count == len(x)
        np.testing.assert_allclose(held.mean, x.mean(0), rtol=1e-12)
        np.testing.assert_allclose(held.scatter, centered.T @ centered, rtol=1e-10, atol=1e-9)


def test_float32_keeps_what_a_sum_of_squares_would_lose():
    held, x = over(data(np.float32), 16)
    centered = x.astype(np.float64) - x.astype(np.float64).mean(0)
    exact = centered.T @ centered
    np.testing.assert_allclose(held.scatter, exact, rtol=1e-4, atol=1e-4 * np.abs(exact).max())
    naive = x.T @ x - len(x) * np.outer(x.mean(0), x.mean(0))
    assert np.abs(naive - exact).max() > 100 * np.abs(np.asarray(held.scatter) - exact).max()


def test_components_are_those_of_scikit_learn():
    with jax.enable_x64(True):
        held, x = over(data(), 16)
        columns, variances = moments.principal(held, K)
        oracle = PCA(K, svd_solver="full").fit(x)
        signs = np.sign(np.sum(np.asarray(columns).T * oracle.components_, 1))
        np.testing.assert_allclose(columns.T * signs[:, None], oracle.components_, atol=1e-9)
        np.testing.assert_allclose(variances[:K], oracle.explained_variance_, rtol=1e-9)
        np.testing.assert_allclose(variances[:K] / variances.sum(), oracle.explained_variance_ratio_, rtol=1e-9)
        np.testing.assert_allclose(columns.T @ columns, np.eye(K), atol=1e-12)
        assert (np.take_along_axis(columns, np.abs(columns).argmax(0)[None], 0) > 0).all()
        left = moments.unexplained(jnp.asarray(x) - held.mean[None], columns * jnp.arange(1, K + 1)[None])
        # Over n, as a mean of errors is; the variances are over n - 1.
        np.testing.assert_allclose(np.mean(left), variances[K:].sum() * (len(x) - 1) / len(x), rtol=1e-9)


def test_rows_whose_square_has_no_room_are_refused():
    with pytest.raises(ValueError, match="rows of 16385 numbers take 16385 x 16385 of them: make the images smaller"):
        moments.none(jax.ShapeDtypeStruct((16385,), jnp.float32))


@pytest.mark.parametrize("at_once", [7 * D, 2**24])
def test_whitened_rows_are_those_of_scikit_learn(at_once):
    with jax.enable_x64(True):
        x, valid = data(), np.arange(len(data())) % 6 > 0
        white = jax.jit(lambda x, valid: moments.whitened(x, valid, K, numbers_at_once=at_once))
        found = np.asarray(white(jnp.asarray(x), jnp.asarray(valid)))
        oracle = PCA(K, svd_solver="full", whiten=True).fit(x[valid])
        expected = oracle.transform(x)
        np.testing.assert_allclose(found * np.sign(np.sum(found * expected, 0)), expected, atol=1e-9)


def test_a_component_without_variance_is_zero_when_whitened():
    x = np.zeros((20, 4), np.float32)
    x[:, :2] = np.random.default_rng(0).normal(size=(20, 2))
    found = np.asarray(moments.whitened(jnp.asarray(x), jnp.ones(20, bool), 3))
    np.testing.assert_allclose(found.var(0, ddof=1), [1, 1, 0], atol=1e-4)
