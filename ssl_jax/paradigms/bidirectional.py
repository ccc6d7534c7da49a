"""A generator from codes to images and an encoder from images to codes, before a judge of the pairs: BigBiGAN."""

import jax
import jax.numpy as jnp
from jax.experimental.shard_alike import shard_alike

from ssl_jax.losses import adversarial
from ssl_jax.paradigms import bottleneck as narrow
from ssl_jax.paradigms import encode
from ssl_jax.state import ema
from ssl_jax.types import Array, Aux, Key, Method, Net, Phase, Tree

JUDGE, MAKER = "discriminator", "generator"


def bidirectional(
    encoder: Net, bottleneck: Net, generator: Net, discriminator: Net, *, times: int, average: float
) -> Method:
    """The judge scores pairs (x, E(x)) as real and (G(z), z) as made up, z being normal; E and G make it err.

    bottleneck: the encoder's pool [b, d] -> [b, 2 k], means and what `softplus` makes deviations of. E(x) is a draw in
    training, the mean in `embed`, as "latent" [b, k], beside the encoder's output. discriminator: {"image", "latent"}
    -> {"image", "latent", "joint"}, scores [b]. Every view is an image, which the judge sees in the generator's size.
    times: steps of the judge before each of encoder and generator, on the same images with other draws. Neither moves
    the other's statistics. average: the share of the generator's running average that survives a step, of parameters
    and statistics; no more than (1 + t) / (10 + t) after t steps, so that it is of use before the run's end. Pictures
    are its, where it is above 0. Metrics: the loss, and the judge's own and mean scores, of its last step.
    """

    def coded(params: Tree, stats: Tree, images: Array, *, train: bool, key: Key | None = None):
        """The encoder's output, means, codes (the means without a key), and statistics."""
        y, own = encoder.apply(params["encoder"], stats["encoder"], images, train=train, key=key)
        said, head = bottleneck.apply(params[narrow.NARROW], stats[narrow.NARROW], y["pool"], train=train, key=key)
        if said.shape[-1] % 2:
            raise ValueError(f"the bottleneck says mean and deviation of each number, and has {said.shape[-1]} outputs")
        mean, spread = jnp.split(said, 2, -1)
        noise = jnp.zeros_like(mean) if key is None else jax.random.normal(key, mean.shape, mean.dtype)
        return y, mean, mean + jax.nn.softplus(spread) * noise, {"encoder": own, narrow.NARROW: head}

    def made(params: Tree, stats: Tree, codes: Array, *, train: bool) -> tuple[Array, Tree]:
        return generator.apply(params[MAKER], stats[MAKER], codes, train=train)

    def judged(params: Tree, stats: Tree, images: Array, codes: Array) -> tuple[dict, Tree]:
        return discriminator.apply(params[JUDGE], stats, {"image": images, "latent": codes}, train=True)

    def pairs(params: Tree, stats: Tree, batch: dict, key: Key):
        """Features; the scores of real pairs and of made up ones; statistics of encoder and generator, of the judge."""
        code_key, prior_key = jax.random.split(key)
        images = encode.one_by_one(batch)
        y, mean, codes, new = coded(params, stats, images, train=True, key=code_key)
        # without a word on it the compiler has every device generate the whole batch
        prior = shard_alike(jax.random.normal(prior_key, mean.shape, mean.dtype), mean)[0]
        fakes, new[MAKER] = made(params, stats, prior, train=True)
        real, judge = judged(params, stats[JUDGE], reduced(images, fakes), codes)
        fake, judge = judged(params, judge, fakes, prior)
        return encode.of_first(y["pool"], batch), real, fake, new, {JUDGE: judge}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        keys, images = jax.random.split(key, 3), encode.one_by_one(batch)
        params, stats = encode.init_chain(keys[0], images, encoder=encoder, bottleneck=bottleneck)
        mean = jax.eval_shape(lambda p, s: coded(p, s, images, train=False)[1], params, stats)
        codes = jnp.zeros(mean.shape, mean.dtype)
        params[MAKER], stats[MAKER] = generator.init(keys[1], codes)
        fakes = jax.eval_shape(lambda p, s: made(p, s, codes, train=False)[0], params, stats)
        pair = {"image": reduced(images, fakes), "latent": codes}
        params[JUDGE], stats[JUDGE] = discriminator.init(keys[2], pair)
        own = {"params": params[MAKER], "stats": stats[MAKER]}
        state = {"average": ema.start(own)} if average else {}
        return params, {"stats": stats, **state}

    def judge(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        features, real, fake, _, stats = pairs(params, state["stats"], batch, key)
        value = adversarial.hinge(real, real=True) + adversarial.hinge(fake, real=False)
        means = {
            f"{JUDGE}/{name}": sum(map(jnp.mean, scores.values())) for name, scores in (("real", real), ("made", fake))
        }
        return value, jax.lax.stop_gradient(Aux(stats, features, {f"{JUDGE}/loss": value, **means}))

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        features, real, fake, stats, _ = pairs(params, state["stats"], batch, key)
        return adversarial.critic_gap(real, fake), jax.lax.stop_gradient(Aux(stats, features, {}))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        state = {**state, "stats": {**state["stats"], **carry}}
        if MAKER not in carry or not average:
            return state
        own, decay = {"params": params[MAKER], "stats": carry[MAKER]}, jnp.minimum(average, (1 + step) / (10 + step))
        return {**state, "average": ema.toward(state["average"], own, decay)}

    def embed(params: Tree, state: Tree, inputs: dict) -> dict:
        y, mean, _, _ = coded(params, state["stats"], narrow.only(inputs), train=False)
        return {**y, "latent": mean}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        images, stats = encode.one_by_one(batch), state["stats"]
        own = state.get("average", {"params": params[MAKER], "stats": stats[MAKER]})
        _, mean, _, _ = coded(params, stats, images, train=False)
        prior = jax.random.normal(key, mean.shape, mean.dtype)
        back, fakes = (generator.apply(own["params"], own["stats"], z, train=False)[0] for z in (mean, prior))
        rows = {"input": reduced(images, back), "reconstruction": back}
        return {"reconstruction": rows, "samples": {"samples": fakes}}

    phases = (Phase((JUDGE,), judge, update, times),)
    return Method(init, loss, update, embed, {"encoder": encode.ENCODER}, phases=phases, draw=draw)


def reduced(images: Array, wanted: Array) -> Array:
    """Images [b, h, w, c] in the generator's size, as means of squares.

    wanted: an array, of which the shape is read. Raises ValueError where its sides do not divide those of the images.
    """
    (b, h, w, c), (_, *small, channels) = images.shape, wanted.shape
    if c != channels or h % small[0] or w % small[1] or h // small[0] != w // small[1]:
        raise ValueError(
            f"the generator makes images of {[*small, channels]} and the views are of {[h, w, c]}: "
            f"give nets.generator channels={c} and a size that divides {h}"
        )
    times = h // small[0]
    return images.reshape(b, small[0], times, small[1], times, c).mean((2, 4)) if times > 1 else images
