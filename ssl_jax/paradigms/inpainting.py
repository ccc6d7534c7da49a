"""Fill a hole in an image from what is around it, before a judge of what was filled in: context encoders."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.losses.adversarial import cross_entropy
from ssl_jax.paradigms import bottleneck as narrow
from ssl_jax.paradigms import encode
from ssl_jax.tasks.holes import Holes
from ssl_jax.types import Array, Aux, Key, Method, Net, Phase, Tree

JUDGE = "discriminator"


def inpainting(
    encoder: Net,
    bottleneck: Net,
    decoder: Net,
    discriminator: Net,
    *,
    holes: Holes,
    error: Callable[[Array, Array, Array], Array],
    weight: float,
) -> Method:
    """weight * error + (1 - weight) * cross-entropy of the judge's belief that what is made is real.

    Every view is an image. holes: what the encoder is shown of it, and the target that the decoder makes and the judge
    sees, [b, s, s, c]. error: (made, target, hidden) -> their mean error.
    A phase before moves the discriminator, by targets and what is made of the same batch in other draws of the holes,
    each with batch statistics of its own. Neither phase moves the other's parameters or statistics. `embed` shows whole
    images, and adds "latent", the code. Metrics: "error", "mean_image" (that of the batch's mean target), "adversary"
    and the judge's mean belief in "discriminator/real" and "discriminator/made" ones, before it learns.
    """
    coder = narrow.coder(encoder, bottleneck)

    def made(params: Tree, stats: Tree, shown: Array, *, train: bool, key: Key | None = None):
        y, new = coder.apply(params, stats, shown, train=train, key=key)
        filling, own = decoder.apply(params["decoder"], stats["decoder"], y["code"], train=train, key=key)
        return y, filling, {**new, "decoder": own}

    def filled(params: Tree, state: Tree, batch: dict, key: Key):
        """Features, what is made, its target, what is hidden of it, and statistics."""
        images, (net_key, cut_key) = encode.one_by_one(batch), jax.random.split(key)
        shown, hidden = holes.cut(cut_key, images)
        y, filling, stats = made(params, state["stats"], shown, train=True, key=net_key)
        return encode.of_first(y["pool"], batch), filling, holes.target(images), hidden, stats

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        keys, images = jax.random.split(key, 3), encode.one_by_one(batch)
        params, stats = coder.init(keys[0], images)
        code = jax.eval_shape(lambda p, s: coder.apply(p, s, images, train=False)[0]["code"], params, stats)
        params["decoder"], stats["decoder"] = decoder.init(keys[1], jnp.zeros(code.shape, code.dtype))
        truth = holes.target(images)
        filling = lambda p, s: made(p, s, holes.cut(keys[0], images)[0], train=False)[1]  # noqa: E731
        narrow.same_shape(jax.eval_shape(filling, params, stats), truth, "decoder")
        params[JUDGE], stats[JUDGE] = discriminator.init(keys[2], truth)
        return params, {"stats": stats}

    def judged(params: Tree, stats: Tree, filling: Array) -> tuple[Array, Tree]:
        return discriminator.apply(params[JUDGE], stats, filling, train=True)

    def judge(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        features, filling, truth, _, _ = filled(params, state, batch, key)
        real, stats = judged(params, state["stats"][JUDGE], truth)
        fake, stats = judged(params, stats, filling)
        beliefs = {"real": real, "made": fake}
        metrics = {f"{JUDGE}/{name}": jnp.mean(jax.nn.sigmoid(logits)) for name, logits in beliefs.items()}
        value = cross_entropy(real, real=True) + cross_entropy(fake, real=False)
        return value, jax.lax.stop_gradient(Aux({JUDGE: stats}, features, {f"{JUDGE}/loss": value, **metrics}))

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        features, filling, truth, hidden, stats = filled(params, state, batch, key)
        mean = jnp.broadcast_to(jnp.mean(truth, 0), truth.shape)
        off, unseeing = (error(x, truth, hidden) for x in (filling, mean))
        adversary = cross_entropy(judged(params, state["stats"][JUDGE], filling)[0], real=True)
        metrics = {"error": off, "mean_image": unseeing, "adversary": adversary}
        value = weight * off + (1 - weight) * adversary
        return value, jax.lax.stop_gradient(Aux(stats, features, metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {"stats": {**state["stats"], **carry}}

    def embed(params: Tree, state: Tree, inputs: dict) -> dict:
        y, _ = coder.apply(params, state["stats"], narrow.only(inputs), train=False)
        code = y.pop("code")
        return {**y, "latent": code}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        images = encode.one_by_one(batch)
        shown, hidden = holes.cut(key, images)
        whole = holes.pasted(images, made(params, state["stats"], shown, train=False)[1], hidden)
        return {"inpainting": {"input": images, "shown": shown, "filled in": whole}}

    phases = (Phase((JUDGE,), judge, update),)
    return Method(init, loss, update, embed, {"encoder": encode.ENCODER}, phases=phases, draw=draw)
