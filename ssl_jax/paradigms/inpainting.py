"""Fill a hole in an image from what is around it, before a judge of what was filled in: context encoders."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.losses.adversarial import cross_entropy
from ssl_jax.paradigms import bottleneck as narrow
from ssl_jax.paradigms import encode
from ssl_jax.tasks import holes
from ssl_jax.types import Array, Aux, Key, Method, Net, Phase, Tree

JUDGE = "discriminator"


def inpainting(
    encoder: Net,
    bottleneck: Net,
    decoder: Net,
    discriminator: Net,
    *,
    size: int,
    holed: Callable[[Array], Array],
    error: Callable[[Array, Array], Array],
    weight: float,
) -> Method:
    """weight * error + (1 - weight) * cross-entropy of the judge's belief that the middle is real; every view an image.

    size: of the middle that the decoder makes and the judge sees. holed: images -> what the encoder is shown of them.
    error: (made, true middles [b, size, size, c]) -> their mean error.
    A phase before moves the discriminator, by the true and the made middles of the same batch, each with batch
    statistics of its own. Neither phase moves the other's parameters or statistics. `embed` shows whole images, and
    adds "latent", the code. Metrics: "error", "mean_image" (that of the batch's mean middle), "adversary" and the
    judge's mean belief in "discriminator/real" and "discriminator/made" ones, before it learns.
    """
    coder = narrow.coder(encoder, bottleneck)

    def made(params: Tree, stats: Tree, images: Array, *, train: bool, key: Key | None = None):
        y, new = coder.apply(params, stats, holed(images), train=train, key=key)
        middle, own = decoder.apply(params["decoder"], stats["decoder"], y["code"], train=train, key=key)
        return y, middle, {**new, "decoder": own}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        keys, images = jax.random.split(key, 3), encode.one_by_one(batch)
        params, stats = coder.init(keys[0], images)
        code = jax.eval_shape(lambda p, s: coder.apply(p, s, images, train=False)[0]["code"], params, stats)
        params["decoder"], stats["decoder"] = decoder.init(keys[1], jnp.zeros(code.shape, code.dtype))
        truth = holes.center(images, size)
        narrow.same_shape(
            jax.eval_shape(lambda p, s: made(p, s, images, train=False)[1], params, stats), truth, "decoder"
        )
        params[JUDGE], stats[JUDGE] = discriminator.init(keys[2], truth)
        return params, {"stats": stats}

    def judged(params: Tree, stats: Tree, middle: Array) -> tuple[Array, Tree]:
        return discriminator.apply(params[JUDGE], stats, middle, train=True)

    def judge(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        images = encode.one_by_one(batch)
        y, middle, _ = made(params, state["stats"], images, train=True, key=key)
        real, stats = judged(params, state["stats"][JUDGE], holes.center(images, size))
        fake, stats = judged(params, stats, middle)
        beliefs = {"real": real, "made": fake}
        metrics = {f"{JUDGE}/{name}": jnp.mean(jax.nn.sigmoid(logits)) for name, logits in beliefs.items()}
        value = cross_entropy(real, real=True) + cross_entropy(fake, real=False)
        return value, jax.lax.stop_gradient(
            Aux({JUDGE: stats}, encode.of_first(y["pool"], batch), {f"{JUDGE}/loss": value, **metrics})
        )

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        images = encode.one_by_one(batch)
        y, middle, stats = made(params, state["stats"], images, train=True, key=key)
        truth = holes.center(images, size)
        off, unseeing = (error(m, truth) for m in (middle, jnp.broadcast_to(jnp.mean(truth, 0), truth.shape)))
        adversary = cross_entropy(judged(params, state["stats"][JUDGE], middle)[0], real=True)
        metrics = {"error": off, "mean_image": unseeing, "adversary": adversary}
        value = weight * off + (1 - weight) * adversary
        return value, jax.lax.stop_gradient(Aux(stats, encode.of_first(y["pool"], batch), metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {"stats": {**state["stats"], **carry}}

    def embed(params: Tree, state: Tree, inputs: dict) -> dict:
        y, _ = coder.apply(params, state["stats"], narrow.only(inputs), train=False)
        code = y.pop("code")
        return {**y, "latent": code}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        images = encode.one_by_one(batch)
        middle = made(params, state["stats"], images, train=False)[1]
        return {"inpainting": {"input": images, "shown": holed(images), "filled in": holes.pasted(images, middle)}}

    phases = (Phase((JUDGE,), judge, update),)
    return Method(init, loss, update, embed, {"encoder": encode.ENCODER}, phases=phases, draw=draw)
