"""A grid of patches, each encoded alone; what a context network has read of some rows predicts others: CPC."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Seen, Tree

TURNS: dict[str, Callable[[Array], Array]] = {
    "down": lambda x: x,
    "up": lambda x: x[:, ::-1],
    "right": lambda x: x.swapaxes(1, 2),
    "left": lambda x: x.swapaxes(1, 2)[:, ::-1],
}
"""How a grid [b, r, c, d] is turned so that a direction leads down its rows."""


def predictive(
    encoder: Net,
    projector: Net,
    context: Net,
    predictor: Net,
    criterion: Criterion,
    *,
    offsets: tuple[int, ...],
    directions: tuple[str, ...],
) -> Method:
    """Patches -> encoder -> context of the rows so far -> predictions of rows further on, which find their targets.

    encoder: its map "grid", [b, r, c, d], has a vector of each patch. projector: a head of each place of the grid, of
    which the targets are made. context: a net of the grid of which row i has seen no row after i. predictor: a head of
    each place of the context. Each direction has a context of its own, and for each offset a predictor. The criterion's
    student side is {direction: {"targets": [b, r, c, k], "predictions": [b, r, c, offset, k]}}, turned so that the
    direction leads down the rows; its teacher's is {}. Takes one view of group "global".
    Raises ValueError for what is no direction or comes twice; `init` for other views and an encoder without a grid.
    """
    for name in directions:
        if name not in TURNS:
            raise ValueError(f"'{name}' is no direction of a prediction; there are {', '.join(TURNS)}")
    for what, given in (("directions", directions), ("offsets", offsets)):
        if len(set(given)) < len(given):
            raise ValueError(f"{what} are {given}; give each of them once")
    if not directions or not offsets:
        raise ValueError("nothing is predicted; give one or more of the directions and of the offsets")
    target = encode.everywhere(projector)
    reader = {"context": context, "predictor": _copies(encode.everywhere(predictor), tuple(map(str, offsets)))}

    def forward(params: Tree, stats: Tree, batch: dict, key: Key | None):
        new, seen = dict(stats), {}
        args = (encoder, params["encoder"], stats["encoder"], _images(batch))
        y, new["encoder"] = encode.joint(*args, train=True, key=key)
        grid = _grid(y)[:, 0]
        places, new["projector"] = target.apply(params["projector"], stats["projector"], grid, train=True)
        for name in directions:
            new[name], x = {}, TURNS[name](grid)
            for part, net in reader.items():
                x, new[name][part] = net.apply(params[name][part], stats[name][part], x, train=True)
            seen[name] = {"targets": TURNS[name](places), "predictions": x}
        return y["pool"][:, 0], seen, new

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        images, (net_key, head_key, criterion_key) = _images(batch)[:, 0], jax.random.split(key, 3)
        params, stats = encode.init_chain(net_key, images, encoder=encoder)
        args = (params["encoder"], stats["encoder"], images)
        shape = jax.eval_shape(lambda p, s, x: _grid(encoder.apply(p, s, x, train=False)[0]), *args)
        grid = jnp.zeros(shape.shape, shape.dtype)
        params["projector"], stats["projector"] = target.init(head_key, grid)
        for number, name in enumerate(directions):
            own = jax.random.fold_in(head_key, number)
            params[name], stats[name] = encode.init_chain(own, TURNS[name](grid), **reader)
        _, found, _ = jax.eval_shape(lambda p, s: forward(p, s, batch, None), params, stats)
        seen = Seen(found, {}, encode.facts(batch), jnp.zeros((), jnp.int32), criterion_key)
        params["criterion"], state = criterion.init(criterion_key, seen)
        return params, {"stats": stats, "criterion": state}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, criterion_key = jax.random.split(key)
        pool, found, stats = forward(params, state["stats"], batch, net_key)
        seen = Seen(found, {}, encode.facts(batch), step, criterion_key)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        return value, jax.lax.stop_gradient(Aux({"stats": stats, "seen": seen}, pool, metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {"stats": carry["stats"], "criterion": criterion.update(state["criterion"], carry["seen"])}

    placement = encode.placement(criterion)
    return Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER}, placement=placement)


def _images(batch: dict) -> Array:
    """[b, 1, h, w, c]. Raises ValueError where there are more views."""
    images = encode.full_size(batch)
    if (v := images.shape[1]) != 1:
        raise ValueError(f"the method looks at 1 view of an image, got {v}; set the views' count to 1")
    return images


def _grid(y: dict) -> Array:
    """The vectors of patches [..., r, c, d]. Raises ValueError where the encoder has none."""
    if "grid" not in y.get("maps", {}):
        raise ValueError("the method predicts patches that were encoded one by one; take patch_resnet as the encoder")
    return y["maps"]["grid"]


def _copies(net: Net, names: tuple[str, ...]) -> Net:
    """Several of a net with parameters of their own, of one input: [..., n, d] of outputs [..., d]."""

    def init(key: Key, x: Array):
        made = {name: net.init(jax.random.fold_in(key, i), x) for i, name in enumerate(names)}
        return {name: params for name, (params, _) in made.items()}, {name: stats for name, (_, stats) in made.items()}

    def apply(params: Tree, stats: Tree, x: Array, *, train: bool, key: Key | None = None):
        made = {name: net.apply(params[name], stats[name], x, train=train) for name in names}
        return jnp.stack([y for y, _ in made.values()], -2), {name: new for name, (_, new) in made.items()}

    return Net(init, apply)
