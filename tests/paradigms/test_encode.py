"""Views through nets: trees in, trees out, options with rows go with their views."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.paradigms import chunks, encode
from ssl_jax.tasks.masks import Mask
from ssl_jax.types import Net

B, V = 8, 2


def apply(params, stats, x, *, train, key=None, mask=None, scale=1, name=""):
    """Pools what its options say, so that a row that goes astray shows."""
    pool = x["a"].sum((1, 2)) + x["b"].sum(1)
    if mask is not None:
        pool = pool + jnp.take_along_axis(x["b"], mask.keep, 1).sum(1) * mask.hidden.sum(1)
    tokens = x["a"] * scale + len(name)
    return {"pool": pool[:, None] * params, "tokens": tokens, "maps": {"stage1": tokens[:, :, None]}}, stats


NET = Net(lambda key, x: (jnp.ones(()), {}), apply)


def inputs(v=V, places=3):
    g = np.random.default_rng(0)
    x = {"a": g.normal(size=(B, v, places, 4)), "b": g.normal(size=(B, v, 5))}
    return jax.tree.map(jnp.asarray, x)


def masks(v=V):
    g = np.random.default_rng(1)
    keep = g.integers(0, 5, (B, v, 2)).astype(np.int32)
    return Mask(jnp.asarray(keep), jnp.asarray(keep), jnp.asarray(keep), jnp.asarray(g.random((B, v, 5)) < 0.5))


def alone(x, mask):
    """Row by row: the reference."""
    row = lambda tree, i, j: jax.tree.map(lambda a: a[i : i + 1, j], tree)  # noqa: E731
    one = lambda i, j: apply(1.0, {}, row(x, i, j), train=True, mask=row(mask, i, j))[0]["pool"][0]  # noqa: E731
    return np.asarray([[one(i, j) for j in range(V)] for i in range(B)])


@pytest.mark.parametrize("through", [encode.joint, encode.each])
@pytest.mark.parametrize("net", [NET, chunks.chunked(NET, 4)])
def test_trees_and_masks_go_with_their_rows(through, net):
    x, mask = inputs(), masks()
    y, _ = through(net, jnp.ones(()), {}, x, train=True, mask=mask, scale=3, name="four")
    np.testing.assert_allclose(y["pool"], alone(x, mask), rtol=1e-5)
    np.testing.assert_allclose(y["tokens"], x["a"] * 3 + 4, rtol=1e-5, atol=1e-6)


def test_vectors_are_of_all_groups_and_grids_of_the_first():
    groups, keep = [inputs(), inputs(3, 2)], ("pool", "tokens", encode.GRID)
    y, _ = encode.groups(encode.joint, NET, jnp.ones(()), {}, groups, train=True, outputs=keep, mask=masks())
    assert y["pool"].shape == (B, V + 3, 1) and y["tokens"].shape == (B, V, 3, 4)
    np.testing.assert_array_equal(y["grid"], y["tokens"])
    plain, _ = encode.joint(NET, jnp.ones(()), {}, groups[1], train=True)
    np.testing.assert_array_equal(y["pool"][:, V:], plain["pool"])  # options are the first group's
    with pytest.raises(ValueError, match="wants the output 'cls' of the encoder, which has maps, pool, tokens"):
        encode.groups(encode.joint, NET, jnp.ones(()), {}, groups, train=True, outputs=("cls",))


def test_the_grid_of_an_encoder():
    maps = {"stage1": jnp.zeros((2, 4, 4, 3)), "stage2": jnp.arange(2 * 2 * 2 * 5.0).reshape(2, 2, 2, 5)}
    np.testing.assert_array_equal(encode.grid({"maps": maps}), maps["stage2"].reshape(2, 4, 5))
    with pytest.raises(ValueError, match="looks at places of an image, and the encoder has only pool"):
        encode.grid({"pool": jnp.zeros((2, 3))})
