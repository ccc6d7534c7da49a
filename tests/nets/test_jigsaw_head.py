"""PIRL's head of pieces: each by itself, then all side by side, in their order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import heads
from tests.nets.drawn import drawn

X = np.random.default_rng(0).normal(size=(4, 9, 6))


def by_loops(params, x):
    """Nine lists of numbers, appended to each other."""
    out = []
    for pieces in x:
        row = []
        for piece in pieces:
            names = sorted(params["piece"])
            for name in names:
                piece = piece @ params["piece"][name]["kernel"] + params["piece"][name]["bias"]
                piece = np.where(piece.real > 0, piece, 0) if name != names[-1] else piece
            row.extend(piece)
        out.append(np.array(row) @ params["whole"]["linear1"]["kernel"] + params["whole"]["linear1"]["bias"])
    return np.array(out)


@pytest.mark.parametrize("widths", [(5,), (7, 5)])
def test_value_and_gradient_are_those_of_loops(strict, gradient, widths):
    net, x = heads.jigsaw_projector(widths=widths, out=3, dtype="float64"), jnp.asarray(X)
    params, stats = drawn(net, x)
    y, _ = net.apply(params, stats, x, train=True)
    plain = jax.tree.map(np.asarray, params)
    assert_allclose(y, by_loops(plain, X), rtol=1e-10)
    weights = np.random.default_rng(1).normal(size=y.shape)
    slope = jax.grad(lambda x: jnp.sum(net.apply(params, stats, x, train=True)[0] * weights))(x)
    assert_allclose(slope, gradient(lambda x: (by_loops(plain, x) * weights).sum(), X), atol=1e-10)


def test_the_order_of_the_pieces_matters(strict):
    net, x = heads.jigsaw_projector(widths=(5,), out=3, dtype="float64"), jnp.asarray(X)
    params, stats = drawn(net, x)
    one, other = (net.apply(params, stats, rows, train=True)[0] for rows in (x, x[:, ::-1]))
    assert np.abs(one - other).min() > 1e-3


def test_defaults_have_the_published_sizes():
    def count(net):
        params, _ = jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct((2, 9, 2048), jnp.float32))
        return sum(leaf.size for leaf in jax.tree.leaves(params))

    assert count(heads.jigsaw_projector()) == 2048 * 128 + 128 + 1152 * 128 + 128
    assert count(heads.jigsaw_projector(widths=(2048, 128))) == 2048 * 2049 + 2048 * 128 + 128 + 1152 * 128 + 128


def test_bfloat16_gives_float32():
    net, x = heads.jigsaw_projector(widths=(5,), out=3, dtype="bfloat16"), jnp.asarray(X, jnp.float32)
    assert net.apply(*drawn(net, x), x, train=True)[0].dtype == jnp.float32


@pytest.mark.parametrize("options, sentence", [(dict(widths=()), "one width or more"), (dict(out=0), "out is 0")])
def test_no_head_can_be_without_numbers(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        heads.jigsaw_projector(**options)
