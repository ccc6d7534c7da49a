"""Layers of each piece, then of all: against numpy, and which pieces may change places."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets.late_fusion import late_fusion

N, P, D = 4, 3, 5


def layer(x, params, name):
    """Linear, batch norm over the rows, ReLU."""
    y = x @ np.asarray(params[name]["kernel"])
    norm = params[f"{name}_norm"]
    y = (y - y.mean(0)) / np.sqrt(y.var(0) + 1e-5) * np.asarray(norm["scale"]) + np.asarray(norm["bias"])
    return np.maximum(y, 0)


def test_pieces_are_alone_at_first(strict):
    net = late_fusion(piece=(6,), whole=(7,), out=2, dtype="float64")
    x = np.random.default_rng(0).normal(size=(N, P, D))
    params, stats = net.init(jax.random.key(0), jnp.asarray(x))
    found, _ = jax.jit(lambda x: net.apply(params, stats, x, train=True))(jnp.asarray(x))
    rows = layer(x.reshape(-1, D), params, "piece1").reshape(N, -1)
    assert rows.shape[1] == 6 * P
    rows = layer(rows, params, "whole1")
    assert_allclose(found, rows @ np.asarray(params["out"]["kernel"]) + np.asarray(params["out"]["bias"]), rtol=1e-9)


def test_without_layers_it_is_one_of_all_side_by_side_in_their_order():
    net, x = late_fusion(piece=(), whole=(), out=2), jnp.asarray(np.random.default_rng(1).normal(size=(N, P, D)))
    params, stats = net.init(jax.random.key(0), x.astype(jnp.float32))
    y, _ = net.apply(params, stats, x.astype(jnp.float32), train=False)
    assert stats == {} and params["out"]["kernel"].shape == (P * D, 2)
    assert_allclose(y, x.reshape(N, -1) @ params["out"]["kernel"], rtol=1e-4, atol=1e-5)
    assert np.abs(net.apply(params, stats, x[:, ::-1].astype(jnp.float32), train=False)[0] - y).max() > 0.1


def test_no_width_is_a_sentence():
    with pytest.raises(ValueError, match="whole 2 is 0"):
        late_fusion(whole=(4, 0), out=2)
