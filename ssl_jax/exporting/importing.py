"""Weights of other libraries into a work directory: a checkpoint of step 0, to evaluate or to train on from."""

import contextlib
import fnmatch
import json
import pathlib
from typing import Any

import jax
import numpy as np

from ssl_jax import api, loop, paths, resuming, spelling
from ssl_jax.checkpoint import Checkpoints
from ssl_jax.exporting import adapting, geometry, layouts, names, weights
from ssl_jax.types import Place, TrainState

FORMATS = ("ssl_jax", "torchvision", "timm", "detectron2", "huggingface")


def bring(
    form: str,
    path: str,
    config: dict,
    workdir: str,
    *,
    changes: dict[str, str] | None = None,
    prefix: str = "",
    allow: tuple[str, ...] = (),
    adapt: tuple[str, ...] = (),
) -> dict[str, int]:
    """Writes a checkpoint of step 0 in `workdir` whose encoders, student's and teacher's, have the weights at `path`.

    All else is as a fresh start of the recipe has it. form: one of FORMATS. path: .safetensors, .npz, detectron2's
    .pkl or a Hugging Face directory. prefix: what the names begin with, such as "backbone."; arrays without it are left
    out, as are those of CLIP's text. allow: patterns ("fc.*") of arrays that may be without use. adapt: of "positions",
    "patch" and "channels", what may change its shape. Returns {"used": arrays, "left": arrays}. Raises ValueError where
    an array is missing, without use or of another shape, and where the work directory has checkpoints.
    """
    for word in adapt:
        if word not in adapting.WAYS:
            raise ValueError(spelling.unknown(word, adapting.WAYS, "what --adapt can adapt"))
    job, program = api.joined(api.resolved(config, changes or {}, workdir), api.Flags())
    theirs, spec = opened(path), job.config["nets"]["encoder"]
    layout = layout_of(form, spec["name"], path)
    if any(name.startswith(layout.inside) for name in theirs):
        prefix = prefix or layout.inside
    found = {n.removeprefix(prefix): a for n, a in theirs.items() if n.startswith(prefix)}
    if not found:
        raise ValueError(f"no array in {path} begins with {prefix!r}; there are {', '.join(sorted(theirs)[:3])}, …")
    found = {n: a for n, a in found.items() if not any(fnmatch.fnmatch(n, pattern) for pattern in allow)}
    state, places = loop.fresh(job, program), list(job.method.encoders.values())
    with contextlib.closing(Checkpoints(f"{workdir}/checkpoints", job.keep)) as saved:
        if saved.steps():
            raise ValueError(f"{workdir} has checkpoints already, of step {saved.steps()[-1]}; name another --workdir")
        params, stats = (held(state, place) for place in places[0])
        own = names.flat(params, stats)
        positions = geometry.fixed_positions(job.config, own)
        new = names.nested(names.imported(found, layout, own, positions, adapting.adapter(adapt)))
        for place in places:
            state = replaced(state, place, new)
        resuming.begun(job, workdir)
        saved.save(state, 0)
        saved.wait()
    return {"used": len(found), "left": len(theirs) - len(found)}


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


def layout_of(form: str, net: str, path: str) -> names.Layout:
    """The names to expect. Raises ValueError for an unknown format, or one that has no such network."""
    if form not in FORMATS:
        raise ValueError(spelling.unknown(form, FORMATS, "the formats that can be imported"))
    if form == "ssl_jax":
        return names.Layout(rules=(), torch=False)
    if form == "huggingface" and net == "vit":
        place = pathlib.Path(path) / "config.json"
        kind = json.loads(place.read_text()).get("model_type", "") if place.exists() else "vit"
        return layouts.HF.get(kind, layouts.VIT_HF)
    if (form, net) not in layouts.LAYOUTS:
        raise ValueError(f"weights of {form} are for other networks than the recipe's '{net}'")
    return layouts.LAYOUTS[form, net]


def held(state: TrainState, path: tuple[str, ...]) -> Any:
    """What lies at a path of a state."""
    return paths.at(getattr(state, path[0]), path[1:])


def replaced(state: TrainState, place: Place, new: tuple[Any, Any]) -> TrainState:
    """The state with other weights at a place, on the same devices and in the same types."""
    for path, tree in zip(place, new, strict=True):
        old = held(state, path)
        tree = jax.tree.map(lambda a, b: jax.device_put(np.asarray(b, a.dtype), a.sharding), old, tree) if old else old
        state = state._replace(**{path[0]: paths.replaced(getattr(state, path[0]), path[1:], tree)})
    return state
