"""Hide patches, see the whole sequence, name the codes of what was hidden: BEiT."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.losses import clustering, codes
from ssl_jax.paradigms import encode
from ssl_jax.tasks import masks, pixels
from ssl_jax.types import Array, Aux, Key, Method, Net, Pass, Place, Tree

TOKENIZER = "tokenizer"


class Tokenizer(NamedTuple):
    """What names patches by codes, and is not trained.

    init: (key, images [b, h, w, c], number of codes) -> its state. codes: (state, images) -> int32 [b, l].
    pictures: (state, codes, images) -> images like these of the codes, or None where codes have no looks.
    passes: what finds its state. place: where its weights lie, if the recipe's `start` has to give them.
    """

    init: Callable[[Key, Array, int], Tree]
    codes: Callable[[Tree, Array], Array]
    pictures: Callable[[Tree, Array, Array], Array] | None = None
    passes: tuple[Pass, ...] = ()
    place: Place | None = None


def network(net: Net, *, size: int = 0) -> Tokenizer:
    """A finished network with "logits" [b, h, w, k], such as the encoder of a dVAE: the largest is the code.

    size: pixels of a side of the image that it sees (BEiT's sees 112 of 224, so that both have 14 x 14 places), the
    same crop; 0 for the image as it is.
    """

    def shown(images: Array) -> Array:
        shape = (len(images), size, size, images.shape[-1])
        return jax.image.resize(images, shape, "lanczos3") if size else images

    def logits(state: Tree, images: Array) -> Array:
        y, _ = net.apply(state["params"], state["stats"], shown(images), train=False)
        if "logits" not in y:
            raise ValueError(f"nets.{TOKENIZER} gives {', '.join(sorted(y))}, and no logits: take a `dvae_encoder`")
        return y["logits"]

    def init(key: Key, images: Array, count: int) -> Tree:
        params, stats = net.init(key, shown(images))
        state = {"params": params, "stats": stats}
        own = jax.eval_shape(logits, state, images).shape[-1]
        if own != count:
            raise ValueError(f"nets.{TOKENIZER} has {own} codes, and nets.classifier names {count}: give it out={own}")
        return state

    def named(state: Tree, images: Array) -> Array:
        return jnp.argmax(logits(state, images), -1).astype(jnp.int32).reshape(len(images), -1)

    place = Place(TOKENIZER, ("method_state", TOKENIZER, "params"), ("method_state", TOKENIZER, "stats"))
    return Tokenizer(init, named, place=place)


def of_patches(patch: int, *, init: Callable, codes: Callable, passes: tuple[Pass, ...]) -> Tokenizer:
    """The nearest of centers [k, d] of patches in pixels, which `passes` find.

    init: (key, patches [..., d], k) -> a state that has `centers`. codes: (patches, centers) -> int32 [...].
    """

    def pictures(state: Tree, names: Array, images: Array) -> Array:
        height, width = images.shape[1:3]
        return pixels.unpatchify(state.centers[names], patch, height=height, width=width).astype(images.dtype)

    return Tokenizer(
        lambda key, images, count: init(key, pixels.patchify(images, patch), count),
        lambda state, images: codes(pixels.patchify(images, patch), state.centers),
        pictures,
        passes,
    )


def masked_tokens(
    encoder: Net, classifier: Net, tokenizer: Tokenizer, *, patch: int, hide: Callable, most: int
) -> Method:
    """The encoder sees all places, the hidden ones as its mask token; the classifier names the code of each of these.

    Both the encoder and the tokenizer see the same pixels, each view an example of its own. patch: pixels of a side of
    the encoder's patches. hide: (key, b, v, grid) -> bool [b, v, l], up to `most` of each. The loss is the mean over
    all hidden patches of the batch, as their number varies from image to image. The classifier's outputs are the codes
    there are.
    """
    head = encode.everywhere(classifier)

    def grid_of(images: Array) -> tuple[int, int]:
        return images.shape[1] // patch, images.shape[2] // patch

    def observe(params: Tree, stats: Tree, images: Array, key: Key, *, train: bool) -> tuple[dict, Array, Tree]:
        net_key, mask_key = jax.random.split(key)
        length, (rows, columns) = encode.patches(encoder, params["encoder"], stats["encoder"], images), grid_of(images)
        if length != rows * columns:
            raise ValueError(
                f"the encoder has {length} patches an image, and patches of {patch} pixels are {rows * columns}: "
                "give method.patch the encoder's"
            )
        hidden = hide(mask_key, len(images), 1, (rows, columns))[:, 0]
        options = dict(train=train, key=net_key if train else None, hidden=hidden)
        y, new = encoder.apply(params["encoder"], stats["encoder"], images, **options)
        return y, hidden, {**stats, "encoder": new}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        keys, images, params, stats = jax.random.split(key, 4), encode.one_by_one(batch), {}, {}
        params["encoder"], stats["encoder"] = encoder.init(keys[0], images)
        y = jax.eval_shape(lambda p, s: observe(p, s, images, keys[1], train=False)[0], params, stats)
        tokens = jnp.zeros(y["tokens"].shape, y["tokens"].dtype)
        params["classifier"], stats["classifier"] = head.init(keys[2], tokens)
        named, _ = jax.eval_shape(
            lambda p, s: head.apply(p, s, tokens, train=False), params["classifier"], stats["classifier"]
        )
        state = tokenizer.init(keys[3], images, named.shape[-1])
        places = jax.eval_shape(tokenizer.codes, state, images).shape[1]
        if places != tokens.shape[1]:
            raise ValueError(
                f"the encoder has {tokens.shape[1]} patches an image and the tokenizer {places}: "
                "use one size of patch, or show the tokenizer a smaller image (method.tokenizer_size)"
            )
        return params, {"stats": stats, TOKENIZER: state}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        images = encode.one_by_one(batch)
        y, hidden, stats = observe(params, state["stats"], images, key, train=True)
        names = jax.lax.stop_gradient(tokenizer.codes(state[TOKENIZER], images))
        first = jnp.argsort(~hidden, 1, stable=True)[:, :most]  # the hidden ones come first: others need no logits
        own, asked = (jnp.take_along_axis(a, first, 1) for a in (names, hidden))
        tokens = masks.take(y["tokens"], first)
        logits, stats["classifier"] = head.apply(params["classifier"], stats["classifier"], tokens, train=True)
        labels = jnp.where(asked, own, -1)
        value, count = clustering.labeled(logits, labels), jnp.maximum(jnp.sum(asked), 1)
        metrics = {
            "codes/top1": jnp.sum(jnp.argmax(logits, -1) == labels).astype(value.dtype) / count.astype(value.dtype),
            "codes/entropy": codes.entropy(names, logits.shape[-1]),
            "hidden": jnp.mean(hidden.astype(value.dtype)),
        }
        features = encode.of_first(y["pool"], batch)
        return value, jax.lax.stop_gradient(Aux({"stats": stats}, features, metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {**state, "stats": carry["stats"]}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        images = encode.one_by_one(batch)
        y, hidden, stats = observe(params, state["stats"], images, key, train=False)
        cover = pixels.covered(hidden, images)
        rows = {"image": images, "hidden": jnp.where(cover, jnp.nan, images)}
        if tokenizer.pictures:
            names = tokenizer.codes(state[TOKENIZER], images)
            logits, _ = head.apply(params["classifier"], stats["classifier"], y["tokens"], train=False)
            said = jnp.where(hidden, jnp.argmax(logits, -1).astype(names.dtype), names)
            rows["codes"], rows["prediction"] = (
                tokenizer.pictures(state[TOKENIZER], code, images) for code in (names, said)
            )
        return {"codes": rows}

    encoders = {"encoder": encode.ENCODER} | ({TOKENIZER: tokenizer.place} if tokenizer.place else {})
    frozen = (TOKENIZER,) if tokenizer.place else ()
    embed = encode.embedder(encoder)
    return Method(init, loss, update, embed, encoders, tokenizer.passes, frozen=frozen, draw=draw)
