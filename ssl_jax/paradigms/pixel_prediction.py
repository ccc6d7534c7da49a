"""Images as sequences of colors: say the next pixel, or those that are hidden. iGPT."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from ssl_jax.losses import codes as costs
from ssl_jax.paradigms import encode
from ssl_jax.tasks import sequences
from ssl_jax.types import Array, Aux, Key, Method, Net, Pass, TrainState, Tree

PALETTE = "palette"


def with_palette(state: TrainState, colors: Array) -> TrainState:
    """The state with colors [k, c] as its encoder's palette."""
    held = state.method_state
    encoder = {**held["stats"]["encoder"], PALETTE: colors}
    return state._replace(method_state={**held, "stats": {**held["stats"], "encoder": encoder}})


def pixel_prediction(
    encoder: Net,
    colors_of: Callable,
    *,
    kept: Callable[[Array], Tree],
    corrupt: Callable | None = None,
    passes: tuple[Pass, ...] = (),
) -> Method:
    """The encoder is a `pixel_transformer`, whose palette lies among its statistics.

    colors_of: (images [b, h, w, c], palette [k, c]) -> int32 [b, h w]. kept: (palette) -> what `passes` keep of it
    under "palette" of the method state, as it is before them; to the encoder they give it by `with_palette`. corrupt:
    (key, colors, k) -> `Corrupted`, of whose asked places the loss is; None for the next pixel of each.
    Metrics, in bits a pixel: "bits", the loss; "bits/unigram", of whoever knows the colors' frequencies in the batch;
    "bits/copy_left" and "bits/copy_up", of whoever says the color of that neighbor.
    """

    def predicted(params: Tree, stats: Tree, colors: Array, **options) -> tuple[dict, Tree]:
        return encoder.apply(params["encoder"], stats["encoder"], colors, predict=True, **options)

    def asked(state: Tree, images: Array, key: Key) -> tuple[Array, sequences.Corrupted | None]:
        palette = state["stats"]["encoder"][PALETTE]
        colors = jax.lax.stop_gradient(colors_of(images, palette))
        return colors, corrupt(key, colors, len(palette)) if corrupt else None

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        params, stats = encoder.init(key, encode.one_by_one(batch))
        if PALETTE not in stats:
            raise ValueError("the method predicts colors of a palette: take a `pixel_transformer` as nets.encoder")
        return {"encoder": params}, {"stats": {"encoder": stats}, PALETTE: kept(stats[PALETTE])}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        images = encode.one_by_one(batch)
        colors, hidden = asked(state, images, key)
        shown, options = (hidden.codes, {"hidden": hidden.hidden}) if hidden else (colors, {})
        y, stats = predicted(params, state["stats"], shown, train=True, **options)
        paid = optax.softmax_cross_entropy_with_integer_labels(y["logits"], colors)
        value = costs.of_chosen(paid, hidden.asked) if hidden else jnp.mean(paid)
        count, grid = y["logits"].shape[-1], colors.reshape(images.shape[:3])
        metrics = {
            "bits": value,
            "bits/unigram": costs.entropy(colors, count),
            "bits/copy_left": costs.copying(grid[:, :, 1:], grid[:, :, :-1], count),
            "bits/copy_up": costs.copying(grid[:, 1:], grid[:, :-1], count),
        }
        metrics = {name: paid / math.log(2) for name, paid in metrics.items()}
        features = encode.of_first(y["pool"], batch)
        return value, jax.lax.stop_gradient(Aux({"stats": {"encoder": stats}}, features, metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {**state, "stats": carry["stats"]}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        images = encode.one_by_one(batch)
        colors, hidden = asked(state, images, key)
        said = lambda shown, **more: predicted(params, state["stats"], shown, train=False, **more)[0]["logits"]  # noqa: E731
        if hidden:
            unknown = hidden.asked
            best = jnp.argmax(said(hidden.codes, hidden=hidden.hidden), -1).astype(colors.dtype)
            whole = jnp.where(unknown, best, colors)
        else:
            half = images.shape[1] // 2 * images.shape[2]
            unknown = jnp.broadcast_to(jnp.arange(colors.shape[1])[None] >= half, colors.shape)
            whole = sequences.completed(said, colors, half, key)
        pictures = [state["stats"]["encoder"][PALETTE][c].reshape(images.shape) for c in (colors, whole)]
        shown = jnp.where(unknown.reshape(*images.shape[:3], 1), jnp.nan, pictures[0])
        rows = {"image": images, "colors": pictures[0], "seen": shown, "prediction": pictures[1]}
        return {"pixels": rows}

    return Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER}, passes, draw=draw)
