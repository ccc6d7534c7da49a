"""k-means of whitened patches, on all images of the laws, against numpy and scikit-learn; and its features by loops."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.cluster import KMeans

from ssl_jax.methods.patch_k_means import patch_k_means
from ssl_jax.nets import patch_centroids
from ssl_jax.passes import sample, whitened_patches
from ssl_jax.types import TrainState
from tests.laws import tiny

PATCH, STRIDE, CONTRAST, EPSILON = 4, 2, 0.01, 0.1


def cut(image):
    """The patches of [h, w, c] by rows and columns: [r, r, d], free of mean and contrast."""
    places = range(0, len(image) - PATCH + 1, STRIDE)
    rows = [[image[i : i + PATCH, j : j + PATCH].reshape(-1) for j in places] for i in places]
    found = np.asarray(rows)
    found = found - found.mean(-1, keepdims=True)
    return found / np.sqrt(found.var(-1, keepdims=True) + CONTRAST)


def readable():
    batches = [rows["clean"][rows["mask"] & rows["valid"]] for rows in tiny.examples("patch_k_means", "clean")]
    return np.concatenate(batches)[:, 0].astype(np.float64) / 64 - 2


def test_whitening_and_centroids_are_those_of_the_oracles(strict):
    """All patches are drawn, so that the order of a sample is all that is random."""
    images = readable()
    encoder = patch_centroids.patch_centroids(out=4, patch=PATCH, stride=STRIDE, contrast=CONTRAST)
    patches = np.concatenate([cut(x).reshape(-1, PATCH * PATCH * 3) for x in images])
    made = patch_k_means(encoder, drawn=len(patches), iterations=30, epsilon=EPSILON)
    batch = {"global": jnp.asarray(images)[:, None], "index": jnp.arange(len(images), dtype=jnp.int32)}
    params, state = jax.jit(made.init)(jax.random.key(0), batch)
    (one,), real = made.passes, jnp.ones(len(images), bool)
    held = TrainState(jnp.zeros((), jnp.int32), params, state, ())
    rows = {"clean": batch["global"], "index": batch["index"], "real": real}
    key = jax.random.key(1)
    found = jax.jit(one.fold)(held, one.start(held, key), rows, key)
    after = jax.jit(one.finish)(held, found, key).method_state
    assert one.refuses(held._replace(method_state=after)) == ""
    covariance = np.cov(patches, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    zca = vectors @ np.diag((values + EPSILON) ** -0.5) @ vectors.T
    np.testing.assert_allclose(after["encoder"]["mean"], patches.mean(0), atol=1e-10)
    np.testing.assert_allclose(after["encoder"]["whiten"], zca, atol=1e-9)
    white = (patches - patches.mean(0)) @ zca
    start = sample.plus_plus(key, found._replace(rows=jnp.asarray((np.asarray(found.rows) - patches.mean(0)) @ zca)), 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = KMeans(4, init=np.asarray(start), n_init=1, max_iter=30, tol=0, algorithm="lloyd").fit(white)
    np.testing.assert_allclose(after["encoder"]["kernel"].T, oracle.cluster_centers_, atol=1e-8)
    np.testing.assert_allclose(after["found"]["error"], oracle.inertia_ / len(white), rtol=1e-8)
    np.testing.assert_array_equal(after["found"]["size"], np.bincount(oracle.labels_, minlength=4))
    value, aux = jax.jit(made.loss)({}, after, batch, key, jnp.zeros((), jnp.int32))
    np.testing.assert_allclose(value, oracle.inertia_ / len(white), rtol=1e-8)
    assert made.draw({}, after, batch, key)["centers"]["centers"].shape == (4, PATCH, PATCH, 3)


@pytest.mark.parametrize("side", [8, 9])
def test_features_are_sums_of_triangles_over_quadrants_by_loops(strict, side):
    """Of an odd number of patches on a side the first half has one more."""
    generator = np.random.default_rng(0)
    image = generator.normal(size=(side + 3, side, 3))
    net = patch_centroids.patch_centroids(out=5, patch=PATCH, stride=1, contrast=CONTRAST)
    d = PATCH * PATCH * 3
    weights = {k: generator.normal(size=s) for k, s in (("mean", d), ("whiten", (d, d)), ("kernel", (d, 5)))}
    rows, columns = (n - PATCH + 1 for n in image.shape[:2])
    expected = np.zeros((2, 2, 5))
    for i in range(rows):
        for j in range(columns):
            patch = image[i : i + PATCH, j : j + PATCH].reshape(-1)
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + CONTRAST)
            white = (patch - weights["mean"]) @ weights["whiten"]
            distance = [np.linalg.norm(white - center) for center in weights["kernel"].T]
            quadrant = int(i >= (rows + 1) // 2), int(j >= (columns + 1) // 2)
            expected[quadrant] += [max(0, np.mean(distance) - one) for one in distance]
    found = net.apply(weights, {}, jnp.asarray(image)[None], train=False)[0]["pool"]
    np.testing.assert_allclose(found[0], expected.reshape(-1), rtol=1e-10)


def test_what_makes_no_sense_is_a_sentence():
    images = jnp.zeros((2, 5, 5, 1))
    with pytest.raises(ValueError, match="2 regions a side of patches of 5 pixels do not fit on images of 5 x 5"):
        patch_centroids.patch_centroids(out=2, patch=5).init(jax.random.key(0), images)
    with pytest.raises(ValueError, match="epsilon is 0"):
        whitened_patches.fitting(lambda *a: a, drawn=4, iterations=1, epsilon=0, option="out")
