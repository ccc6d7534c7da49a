"""Smooth L1 and data2vec's and I-JEPA's targets against loops."""

from functools import partial

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import patches
from ssl_jax.losses import latent
from ssl_jax.types import Seen

PREDICTION, TARGET = (np.random.default_rng(s).normal(size=(3, 4, 5)) * 2 for s in (0, 1))
COUNTS = np.random.default_rng(2).random((3, 4)) < 0.6


def seen(prediction, target=TARGET):
    return Seen(prediction, target, {"counts": COUNTS}, np.int32(0), jax.random.key(0))


def by_loops(prediction, beta):
    values = []
    for i, j in zip(*np.nonzero(COUNTS), strict=True):
        errors = [max(a - b, b - a, key=np.real) for a, b in zip(prediction[i, j], TARGET[i, j], strict=True)]
        values.append(sum(e * e / (2 * beta) if e.real < beta else e - beta / 2 for e in errors) / len(errors))
    return sum(values) / len(values)


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_smooth_l1_of_what_counts_by_loops(strict, gradient, beta):
    loss = jax.jit(lambda p: patches.smooth_l1(beta=beta).loss({}, {}, seen(p))[0])
    assert_allclose(loss(PREDICTION), by_loops(PREDICTION, beta), rtol=1e-10)
    slope = jax.grad(loss)(PREDICTION)
    assert_allclose(slope, gradient(lambda p: by_loops(p, beta), PREDICTION), atol=1e-10)
    assert not np.asarray(slope)[~COUNTS].any()
    assert not np.asarray(jax.grad(lambda t: patches.smooth_l1().loss({}, {}, seen(PREDICTION, t))[0])(TARGET)).any()


def test_smooth_l1_is_a_quarter_square_below_two_and_linear_above(strict):
    errors = np.array([[0.0], [0.5], [-1.9], [2.0], [-7.0]])
    expected = [0, 0.0625, 1.9**2 / 4, 1, 6]
    assert_allclose(latent.smooth_l1(errors, np.zeros_like(errors), beta=2.0), expected, rtol=1e-12)


def normalized_by_loops(vector):
    mean = sum(vector) / len(vector)
    variance = sum((v - mean) ** 2 for v in vector) / len(vector)
    return np.array([(v - mean) / (variance + 1e-5) ** 0.5 for v in vector])


def test_the_targets_by_loops(strict):
    layers = np.random.default_rng(3).normal(size=(2, 3, 4, 5)) * 3 + 1
    found = jax.jit(latent.layers_averaged)(layers)
    for i, j in np.ndindex(2, 4):
        mean = sum(normalized_by_loops(layers[i, k, j]) for k in range(3)) / 3
        assert_allclose(found[i, j], normalized_by_loops(mean), rtol=1e-10)
        assert_allclose(latent.layer_normalized(layers)[i, 0, j], normalized_by_loops(layers[i, 0, j]), rtol=1e-10)
    assert_allclose(np.asarray(found).std(-1), 1, atol=1e-4)


def test_targets_of_instance_norm_by_loops(strict):
    layers = np.random.default_rng(4).normal(size=(2, 3, 4, 5)) * 3 + 1
    found = jax.jit(partial(latent.layers_averaged, instance_norm=True))(layers)
    for i in range(2):
        each = [np.stack([normalized_by_loops(layers[i, k, :, j]) for j in range(5)], 1) for k in range(3)]
        for place, mean in enumerate(sum(each) / 3):
            assert_allclose(found[i, place], normalized_by_loops(mean), rtol=1e-10)
    shared = np.random.default_rng(5).normal(size=(2, 3, 1, 5))
    assert_allclose(latent.layers_averaged(layers + shared, instance_norm=True), found, rtol=1e-10)


def test_features_that_are_all_alike_become_zero_with_a_finite_gradient(strict):
    flat = np.full((2, 3), 0.3)
    assert_allclose(latent.layer_normalized(flat), 0, atol=1e-12)
    assert np.isfinite(jax.jacobian(latent.layer_normalized)(flat)).all()
