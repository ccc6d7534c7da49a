"""PCA and k-means as methods, on all images of the laws: their features are scikit-learn's."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from ssl_jax.methods.k_means import k_means
from ssl_jax.methods.pca import pca
from ssl_jax.nets import fitted
from ssl_jax.shard import mesh, program
from tests.laws import tiny


def passed(name, method):
    """State before and after the passes on one device, in float64."""
    clean = lambda key, batch: tiny.clean(key, batch, dtype=jnp.float64)  # noqa: E731
    augment = lambda key, batch: tiny.augment(key, batch, dtype=jnp.float64)  # noqa: E731
    shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tiny.batch(name, 0)))
    compiled = program.build(
        method, tiny.optimizer(), augment, clean, shapes, mesh.make(1, 1, devices=jax.devices()[:1])
    )
    before = jax.device_get(compiled.init(jax.random.key(0)))
    return before, jax.device_get(
        tiny.passed(name, method, compiled, jax.tree.map(jnp.asarray, before), jax.random.key(1))
    )


def images(name):
    """The images that can be read, as rows and as images."""
    batches = [rows["clean"][rows["mask"] & rows["valid"]] for rows in tiny.examples(name, "clean")]
    x = np.concatenate(batches)[:, 0].astype(np.float64) / 64 - 2
    return x.reshape(len(x), -1), {"image": jnp.asarray(x)}


@pytest.mark.parametrize("whiten", [False, True])
def test_pca(whiten):
    with jax.enable_x64(True):
        method = pca(fitted.components(out=6), whiten=whiten, epsilon=0.0)
        _, state = passed("pca", method)
        rows, inputs = images("pca")
        oracle = PCA(6, svd_solver="full", whiten=whiten).fit(rows)
        found, expected = np.asarray(method.embed({}, state.method_state, inputs)["pool"]), oracle.transform(rows)
        np.testing.assert_allclose(found * np.sign(np.sum(found * expected, 0)), expected, atol=1e-9)
        np.testing.assert_allclose(state.method_state["found"]["variance"], oracle.explained_variance_, rtol=1e-9)
        left = np.mean(
            np.sum(
                (
                    rows
                    - PCA(6, svd_solver="full")
                    .fit(rows)
                    .inverse_transform(PCA(6, svd_solver="full").fit_transform(rows))
                )
                ** 2,
                1,
            )
        )
        batch = {"global": inputs["image"][:, None]}
        value, _ = method.loss({}, state.method_state, batch, jax.random.key(0), jnp.zeros((), jnp.int32))
        np.testing.assert_allclose(value, left, rtol=1e-9)


def test_k_means():
    with jax.enable_x64(True):
        method = k_means(fitted.centroids(out=5, features="distance"), iterations=40, drawn=12)
        _, state = passed("k_means", method._replace(passes=method.passes[:1]))
        start = state.method_state["encoder"]["kernel"].reshape(-1, 5).T
        rows, inputs = images("k_means")
        assert {tuple(row) for row in start} <= {tuple(row) for row in rows} and len(np.unique(start, axis=0)) == 5
        _, state = passed("k_means", method)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            oracle = KMeans(5, init=start, n_init=1, max_iter=40, tol=0).fit(rows)
        found = np.asarray(method.embed({}, state.method_state, inputs)["pool"])
        np.testing.assert_allclose(found, oracle.transform(rows), rtol=1e-7)
        np.testing.assert_allclose(state.method_state["found"]["inertia"], oracle.inertia_, rtol=1e-9)
        assert state.method_state["found"]["size"].sum() == len(rows) == tiny.EXAMPLES - 1


def test_features_of_centroids():
    net = fitted.centroids(out=3)
    x, kernel = jnp.zeros((1, 1, 1, 2)), jnp.array([[[[0.0, 3.0, 6.0], [1.0, 0.0, 8.0]]]])  # distances 1, 3 and 10
    y, _ = net.apply({"kernel": kernel}, {}, x, train=False)
    np.testing.assert_allclose(y["pool"], [[14 / 3 - 1, 14 / 3 - 3, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match=r"images \[2, 2, 2\] came to an encoder of images \[1, 1, 2\]"):
        net.apply({"kernel": kernel}, {}, jnp.zeros((1, 2, 2, 2)), train=False)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no 'triangel' in the features; did you mean triangle"):
        fitted.centroids(out=3, features="triangel")
    with pytest.raises(ValueError, match="no 'k-means' in the starts of k-means; did you mean k-means"):
        k_means(fitted.centroids(out=3), start="k-means")
    with pytest.raises(ValueError, match=r"no 5 components of images \[1, 2, 2\]: take 4 or fewer"):
        fitted.components(out=5).init(jax.random.key(0), jnp.zeros((1, 1, 2, 2)))
