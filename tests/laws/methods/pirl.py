"""An image and nine pieces of it; noise-contrastive estimation with a few negatives."""

import jax
import jax.numpy as jnp

from ssl_jax.criteria import instances, lenses
from ssl_jax.losses import contrastive
from ssl_jax.methods.pirl import pirl
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms.jigsaw import with_jigsaw
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Criterion, Method, Net

ARGUMENTS = {"negatives": 8}
GROUPS = {"global": (1, 16), "patches": (9, 8)}
CELL, WHOLE = 9, 28


def nets(dtype: str) -> dict:
    return {"jigsaw_projector": heads.jigsaw_projector(widths=(6,), out=8, dtype=dtype)}


def torn(method: Method, *, views: int, side: int = CELL) -> Method:
    """The method on two views of 28 pixels: of the last, nine squares in random order are the pieces, zeros around."""

    def one(key, batch):
        cells = batch["global"][:, -1, : 3 * CELL, : 3 * CELL]
        b, c = len(cells), cells.shape[-1]
        cells = cells.reshape(b, 3, CELL, 3, CELL, c).swapaxes(2, 3).reshape(b, 9, CELL, CELL, c)
        orders = jax.vmap(lambda k: jax.random.permutation(k, 9))(jax.random.split(key, b))
        pieces = jnp.take_along_axis(cells, orders[:, :, None, None, None], 1)
        around = [(0, side - CELL if i in (2, 3) else 0) for i in range(5)]
        return {**batch, "global": batch["global"][:, :views], "patches": jnp.pad(pieces, around)}

    return method._replace(
        init=lambda key, batch: method.init(key, one(key, batch)),
        loss=lambda params, state, batch, key, step: method.loss(params, state, one(key, batch), key, step),
    )


def attracted(examples: int) -> Criterion:
    """The attraction to the own row alone."""
    whole = instances.instances(examples=examples, form="full")

    def loss(params, state, seen):
        rows = state.bank.rows[seen.batch["index"]]
        return 1 - jnp.mean(jnp.sum(contrastive.unit(seen.student[:, 0]) * jax.lax.stop_gradient(rows), -1)), {}

    return lenses.at(whole._replace(loss=loss), name="projection")


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    examples, nets = 1024, (encoder, projector, heads.jigsaw_projector(widths=(32,), out=32))

    def without() -> Method:
        criterion = attracted(examples)
        return with_jigsaw(joint_embedding(*nets[:2], criterion), encoder, nets[2], criterion, weight=0.5)

    options = dict(examples=examples, form="full", temperature=0.1)
    made = {"whole": lambda: pirl(*nets, **options), "without": without}
    whole, alone = (lambda make=make: torn(make(), views=1, side=WHOLE) for make in made.values())
    return {"rows of others": (whole, alone, "spread")}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(examples=examples, form="full", temperature=0.1)
    return torn(pirl(encoder, heads.linear(out=32), heads.jigsaw_projector(widths=(32,), out=32), **options), views=1)
