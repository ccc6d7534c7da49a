"""MAE's targets: components and codes that a pass finds, and every target back as pixels."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from ssl_jax.passes import patch_targets
from ssl_jax.tasks import pixels
from ssl_jax.types import TrainState

N, SIDE, PATCH, D = 20, 8, 4, 48
of = functools.partial(patch_targets.of, patch=PATCH, components=5, codes=6)


@pytest.fixture(autouse=True)
def wide(strict):
    return strict


def images():
    g = np.random.default_rng(0)
    return g.normal(size=(N, SIDE, SIDE, 3)) @ g.normal(size=(3, 3)) + np.array([3, 0, -1])


def found_by(target, x, *, size=8, bad=3):
    """What the target's pass finds of images in batches, the last filled up and one image bad."""
    state = TrainState(jnp.int32(0), {}, {"target": target.found(jax.random.key(0), jnp.asarray(x[:1]))}, ())
    (one,) = target.passes
    found, fold = one.start(state, jax.random.key(1)), jax.jit(one.fold)
    for start in range(0, N, size):
        index = np.minimum(np.arange(start, start + size), N - 1)
        real = (np.arange(start, start + size) < N) & (index != bad)
        batch = {"clean": jnp.asarray(x[index][:, None]), "index": jnp.asarray(index), "real": jnp.asarray(real)}
        found = fold(state, found, batch, jax.random.key(start))
    return jax.jit(one.finish)(state, found, jax.random.key(2)).method_state["target"]


def test_components_and_coefficients_are_scikit_learns():
    x, target = images(), of("pca")
    found = found_by(target, x)
    oracle = PCA(5, svd_solver="full").fit(pixels.patchify(np.delete(x, 3, 0), PATCH).reshape(-1, D))
    signs = np.sign(np.sum(np.asarray(found.columns).T * oracle.components_, 1))
    assert_allclose(found.mean, oracle.mean_, rtol=1e-10)
    assert_allclose(found.columns.T * signs[:, None], oracle.components_, atol=1e-10)
    rows = pixels.patchify(x, PATCH)
    expected = oracle.transform(rows.reshape(-1, D)).reshape(N, 4, 5) * signs
    coefficients = target.of(jnp.asarray(x), {}, found)
    assert_allclose(coefficients, expected, atol=1e-10)
    back = pixels.patchify(target.painted(coefficients, jnp.asarray(x), found), PATCH)
    assert_allclose(back.reshape(-1, D), oracle.inverse_transform((expected * signs).reshape(-1, 5)), atol=1e-9)


def test_codes_are_the_nearest_centers_and_are_painted_as_these():
    x, target = images(), of("codes")
    found = found_by(target, x)
    rows = pixels.patchify(x, PATCH)
    far = ((rows[:, :, None] - np.asarray(found.centers)) ** 2).sum(-1)
    codes = np.asarray(target.of(jnp.asarray(x), {}, found))
    assert_array_equal(codes, far.argmin(-1))
    assert target.classes == 6 and len(np.unique(codes)) == 6
    painted = target.painted(jax.nn.one_hot(codes, 6), jnp.asarray(x), found)
    assert_array_equal(pixels.patchify(painted, PATCH), np.asarray(found.centers)[codes])


@pytest.mark.parametrize("name", ["normalized", "pixels"])
def test_a_perfect_prediction_is_painted_as_the_image(name):
    x, target = jnp.asarray(images()), of(name)
    assert_allclose(target.painted(target.of(x, {}, ()), x, ()), x, atol=1e-10)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no 'pixel' in the targets of mae; did you mean pixels"):
        of("pixel")
    with pytest.raises(ValueError, match="components is 49 and a patch has 48 values; take 48 or fewer"):
        patch_targets.of("pca", patch=4, components=49, codes=1).found(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
