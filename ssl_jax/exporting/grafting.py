"""Weights into the place of an encoder's in a state: for imports, and for runs that start from others."""

import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ssl_jax.exporting import adapting, geometry, names, weights
from ssl_jax.storage import paths
from ssl_jax.types import Place, TrainState


def opened(path: str) -> names.Flat:
    """Every array of a file or a Hugging Face directory. Raises ValueError for what is none."""
    place = pathlib.Path(path)
    place = place / "model.safetensors" if place.is_dir() else place
    if not place.exists():
        raise ValueError(f"there is no file {place}")
    if place.suffix in weights.SUFFIXES:
        return weights.raw(str(place))[0]
    if place.suffix == ".pkl":
        return weights.pickled(place)
    raise ValueError(
        f"{place} ends with '{place.suffix}'; weights are .safetensors, .npz, detectron2's .pkl or a directory; "
        "of a .pth, torch makes one: safetensors.torch.save_file(torch.load(PATH, weights_only=True), OUT)"
    )


def grafted(
    state: TrainState,
    places: Sequence[Place],
    theirs: names.Flat,
    layout: names.Layout,
    config: dict,
    adapt: tuple[str, ...] = (),
) -> TrainState:
    """The state with weights, by the names of a layout, at the places of one network. adapt: of `adapting.WAYS`.

    Raises ValueError where they are not those of the network that the resolved recipe has there.
    """
    old = [held(state, path) for path in (places[0].params, places[0].stats)]
    new = fitted(old, theirs, layout, config, adapt)
    for place in places:
        state = replaced(state, place, new)
    return state


def fitted(
    old: Sequence[Any], theirs: names.Flat, layout: names.Layout, config: dict, adapt: tuple[str, ...] = ()
) -> tuple[Any, Any]:
    """Weights by the names of a layout as (parameters, statistics) in the names and shapes of `old`; see `grafted`.

    A mask token that theirs have not is the old one.
    """
    own = names.flat(*old)
    kept = {geometry.MASK: own.pop(geometry.MASK)} if geometry.MASK in {*own} - {*theirs} else {}
    positions = geometry.fixed_positions(config, own)
    return names.nested(names.imported(theirs, layout, own, positions, adapting.adapter(adapt)) | kept)


def held(state: TrainState, path: tuple[str, ...]) -> Any:
    """What lies at a path of a state."""
    return paths.at(getattr(state, path[0]), path[1:])


def replaced(state: TrainState, place: Place, new: tuple[Any, Any]) -> TrainState:
    """The state with other weights at a place, on the same devices and in the same types."""

    def moved(old: jax.Array, value: Any) -> jax.Array:
        value = np.asarray(value, old.dtype)
        return jax.make_array_from_callback(value.shape, old.sharding, lambda part: value[part])

    for path, tree in zip((place.params, place.stats), new, strict=True):
        old = held(state, path)
        tree = jax.tree.map(moved, old, tree) if old else old
        state = state._replace(**{path[0]: paths.replaced(getattr(state, path[0]), path[1:], tree)})
    return state
