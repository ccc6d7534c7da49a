"""A trained encoder, out of its work directory, for Python in three lines."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.checks import spelling
from ssl_jax.config import build, durations, recipes, schema
from ssl_jax.data import device, sources, stream
from ssl_jax.data.source import Source, described, subset
from ssl_jax.evals import features
from ssl_jax.exporting import weights
from ssl_jax.features import inputs
from ssl_jax.process import machine
from ssl_jax.run.job import Preprocess
from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import program
from ssl_jax.storage import paths
from ssl_jax.storage.checkpoint import Checkpoints
from ssl_jax.types import Net, Place, Tree
from ssl_jax.views import compose_host

FIRST = (
    *(("patch_embed", "kernel"), ("stem", "conv", "kernel"), ("stem_conv", "kernel"), ("embed", "linear1", "kernel")),
    *(("stem", "conv1", "kernel"), ("stem_conv", "spatial", "kernel"), ("kernel",)),
    ("input", "kernel"),
)
"""Where encoders have the kernel that meets images or frames [h, w, c, d], series [k, c, d] or points [c, d]."""

PALETTE = ("palette",)
"""Where those of pixels have their colors [k, c], among the statistics."""


class Rows(NamedTuple):
    """Features of a dataset: a row for each example, in the order of the source.

    features: float32 [n, d] pooled, NaN where the image could not be read. labels: int32 [n], -1 where there is none.
    valid: bool [n], whether the image could be read. index: int64 [n], the example's number in the source. path: text
    [n], what the source calls it.
    """

    features: np.ndarray
    labels: np.ndarray
    valid: np.ndarray
    index: np.ndarray
    path: np.ndarray


class Encoder(NamedTuple):
    """The encoder of a run: of its method's encoders, such as student and teacher, one.

    config: the resolved recipe. step: of the checkpoint. digest: of the recipe. which: the name of the encoder.
    role: the name of its network among the recipe's. params, stats: its weights. net: its network.
    host: {part: image [h, w, c], or cloud [n, c], or text ...} and seed -> {"clean": [1, ...]}, the recipe's
    preprocessing; a tensorflow graph function. outputs: what host makes, [b, 1, ...], split by example over this
    process's devices -> {"pool": [b, d], ...}; jitted.
    """

    config: dict
    step: int
    digest: str
    which: str
    role: str
    params: Tree
    stats: Tree
    net: Net
    host: Callable
    outputs: Callable

    @property
    def spec(self) -> dict:
        """What the recipe says of its network."""
        return self.config["nets"][self.role]

    @property
    def part(self) -> str:
        """What it takes of an example, one of `inputs.CHECKS`."""
        return self.config["clean"][0].get("of", "image")

    @property
    def channels(self) -> int:
        """What an image or a frame must have, or the sensors of a series, or the numbers of a point; of texts 0."""
        if self.part == "text":
            return 0
        if paths.has(self.stats, PALETTE):
            return paths.at(self.stats, PALETTE).shape[-1]
        for op in self.config["clean"][0].get("ops", ()):
            if op["name"] == "normalize":  # a network may see something else of an image, such as its light
                return len(op["args"]["mean"])
        whole = any(paths.has(self.params, place) for place in FIRST)
        nets = [self.params] if whole else self.params.values()  # several, each of some of the channels
        firsts = [next(paths.at(net, place) for place in FIRST if paths.has(net, place)) for net in nets]
        return sum(kernel.shape[-2] for kernel in firsts) // self.spec.get("tubelet", 1)

    def embed(self, images: np.ndarray | Sequence[np.ndarray | str]) -> dict[str, np.ndarray]:
        """Features of images, or of what else the encoder takes: {"pool": [b, d], ...} as the network gives them.

        images: uint8 or uint16 [b, h, w, c], or a list of [h, w, c] of any sizes, or of paths of images of any format,
        which are read as those of a folder; for an encoder of series floats [b, t, c], or a list of [t, c], of which
        the window of evaluation is taken. Images are resized, cropped and normalized as the recipe evaluates them; the
        whole range of the type, 0..255 or 0..65535, counts as 0..1, so that an image has the same features in either,
        whichever the encoder was trained on. Clouds: [b, n, 3], or a list of [n, 3] of any n, of which the recipe's
        clean view takes its number of points. Clips: uint8 [b, t, h, w, c], or a list of [t, h, w, c] or of paths of
        videos, of which the recipe's clean view takes its frames. Texts: a list of strings. Raises ValueError for
        anything else, for another number of channels, and for both types in one call.
        """
        made = [
            compose_host.alone(self.host, each, part=self.part)
            for each in inputs.CHECKS[self.part](images, self.channels)
        ]
        views = np.stack([views["clean"] for views in made])
        return jax.tree.map(np.asarray, self.outputs(views))

    def stream(self, source: Source | str, *, batch: int) -> Rows:
        """Pooled features of a source, a row an example; what cannot be read has a row too.

        source: one, or its name as in a recipe's data.train, such as "zip:photos.zip" (`data/sources.py`).
        batch: images at a time, over the devices of this process; features do not depend on it but for rounding.
        Raises ValueError where no image can be read, or where they have another number of channels.
        """
        source = opened(self, source) if isinstance(source, str) else source
        return checked(rows(self, source, (0, source.size), batch=batch), self, source)


def opened(encoder: Encoder, text: str, *, data_dir: str | None = None) -> Source:
    """The source of this name (`sources.open`), with its images decoded to what the encoder takes."""
    bits = encoder.config["data"].get("bits")  # exports of earlier versions do not say it
    wanted = dict(channels=encoder.channels, bits=bits) if encoder.part == "image" else {}
    return sources.open(text, data_dir=data_dir, **wanted)


def rows(encoder: Encoder, source: Source, span: tuple[int, int], *, batch: int) -> Rows:
    """As `Encoder.stream`, for the examples span[0]..span[1]-1, of which it may be that none can be read."""
    check(encoder, source)
    mesh, index = meshes.local(), np.arange(*span)
    part = source if span == (0, source.size) else subset(source, index)
    stacks = stream.sequential(part, encoder.host, batch=max(batch // mesh.size, 1) * mesh.size)
    with device.put(stacks, meshes.by_example(mesh)) as batches:
        known = ({"inputs": b["clean"], **{k: b[k] for k in ("label", "mask", "valid")}} for b in batches)
        found = features.extract(encoder.outputs, known)
    return Rows(*found, index=index, path=np.array(described(source, *span), np.str_))


def check(encoder: Encoder, source: Source) -> None:
    """Raises ValueError where examples have not what the encoder takes."""
    if (channels := channels_of(source, encoder.part)) != encoder.channels:
        raise ValueError(f"{source.name} has {channels} channels, and the encoder takes {encoder.channels}")


def channels_of(source: Source, part: str) -> int:
    """As `Encoder.channels`, of the examples. Raises ValueError where they have no such part."""
    if part not in source.parts and part != "image":
        raise ValueError(f"{source.name} has no {part}; an example of it has {', '.join(source.parts)}")
    found = source.image if part == "image" else source.parts[part]
    return 0 if part == "text" else found.width if part == "points" else found.channels


def checked(found: Rows, encoder: Encoder, source: Source) -> Rows:
    """The rows of a whole source. Raises ValueError where none of its images could be read."""
    if not found.valid.any():
        raise ValueError(stream.nothing(source, encoder.host))
    return found


def load(path: str, *, step: int | None = None, which: str | None = None) -> Encoder:
    """The encoder of a run, or of an exported file: `ssl_jax.load("runs/quickstart").embed(images)["pool"]`.

    path: a work directory, or a file that `ssl-jax export` wrote by the names of this library (.npz, .safetensors).
    step: the checkpoint to take, the newest if None. which: "student" or "teacher" where the method has both; its own
    choice if None. Raises ValueError where there is no such run, step or encoder, or where the checkpoint is damaged.
    """
    if path.endswith(weights.SUFFIXES):
        params, stats, about = weights.read(path)
        machine.release()  # what reading left, before everything is copied to the device
        for name, asked in (("step", step), ("which", which)):
            if asked not in (None, about[name]):
                held = f"{about['which']} of step {about['step']}"
                raise ValueError(f"{path} holds {held} alone, not {name}={asked}; a work directory has others")
        config, which = recipes.tuples(about["config"]), about["which"]
        role = about.get("role", "encoder")  # files of earlier versions are of methods whose nets have this name
        return made(config, about["step"], which, role, put(params), put(stats))
    config = schema.resolve(recipes.of_run(path))
    places = places_of(config)
    if which is not None and which not in places:
        raise ValueError(spelling.unknown(which, places, f"the encoders of {config['method']['name']}"))
    which = which or next(iter(places))
    place = places[which]
    with contextlib.closing(Checkpoints(f"{path}/checkpoints", None)) as saved:
        step = saved.chosen(step)
        state = saved.contents(step, meshes.replicated(meshes.local()), (place.params, place.stats))
    params, stats = (paths.at(state, path) for path in (place.params, place.stats))
    return made(of_part(config, place.part), step, which, place.net, params, stats)


def of_part(config: dict, part: str) -> dict:
    """The recipe of an encoder that takes this part, with one clean view; of "" the recipe itself."""
    views = [view for view in config["clean"] if part in ("", view.get("of", "image"))]
    return {**config, "clean": ({**views[0], "group": "clean"},)}


def places_of(config: dict) -> dict[str, Place]:
    """The encoders that a resolved recipe's method has, by name; the first is the one that it evaluates."""
    # An encoder knows neither the dataset's size nor its classes: any will do.
    clock = durations.run(config["duration"], examples=config["batch"], batch=config["batch"])
    return build.method_and_optimizer(config, clock, classes=2)[0].encoders


def put(tree: dict) -> dict:
    """The arrays of a tree moved to the device one by one, so that they never lie in memory twice."""
    for name, value in tree.items():
        tree[name] = put(value) if isinstance(value, dict) else jnp.asarray(value)
    return tree


def made(config: dict, step: int, which: str, role: str, params: Tree, stats: Tree) -> Encoder:
    """An encoder of a resolved recipe from its weights."""
    net, clean = network(config, role), build.preprocess(config["clean"], config["photometric"])
    outputs = forward(net, clean)
    return Encoder(
        config=config,
        step=step,
        digest=recipes.digest(config),
        which=which,
        role=role,
        params=params,
        stats=stats,
        net=net,
        host=clean.host,
        outputs=lambda images: outputs(params, stats, images),
    )


def forward(net: Net, clean: Preprocess, **options: Any) -> Callable:
    """(params, stats, what the host makes of clean views, [b, 1, ...]) -> outputs; jitted. options: of `net.apply`."""

    @program.jit_on(meshes.local())
    def outputs(params, stats, images):
        views = clean.device(jax.random.key(0), {"clean": images})["clean"]
        return net.apply(params, stats, views[:, 0], train=False, **options)[0]

    return outputs


def network(config: dict, role: str, **changes: Any) -> Net:
    """The network that a resolved recipe has for a role. changes: of its options."""
    spec = {**config["nets"][role], **changes}
    return schema.net_of(role, spec)(**{k: v for k, v in spec.items() if k != "name"})
