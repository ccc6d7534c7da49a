"""Weights of other libraries into a work directory: a checkpoint of step 0, to evaluate or to train on from."""

import contextlib
import fnmatch
import json
import pathlib

from ssl_jax import api, loop
from ssl_jax.checks import spelling
from ssl_jax.exporting import adapting, grafting, layouts, names
from ssl_jax.run import resuming
from ssl_jax.storage.checkpoint import Checkpoints

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
    theirs, first = grafting.opened(path), next(iter(job.method.encoders.values()))
    layout = layout_of(form, job.config["nets"][first.net]["name"], path)
    if any(name.startswith(layout.inside) for name in theirs):
        prefix = prefix or layout.inside
    found = {n.removeprefix(prefix): a for n, a in theirs.items() if n.startswith(prefix)}
    if not found:
        raise ValueError(f"no array in {path} begins with {prefix!r}; there are {', '.join(sorted(theirs)[:3])}, …")
    found = {n: a for n, a in found.items() if not any(fnmatch.fnmatch(n, pattern) for pattern in allow)}
    state = loop.fresh(job, program)
    with contextlib.closing(Checkpoints(f"{workdir}/checkpoints", job.keep)) as saved:
        if saved.steps():
            raise ValueError(f"{workdir} has checkpoints already, of step {saved.steps()[-1]}; name another --workdir")
        places = [place for place in job.method.encoders.values() if place.net == first.net]
        state = grafting.grafted(state, places, found, layout, job.config, adapt)
        resuming.begun(job, workdir)
        saved.save(state, 0)
        saved.wait()
    return {"used": len(found), "left": len(theirs) - len(found)}


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
