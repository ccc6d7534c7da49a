"""A trained encoder, out of its work directory: from Python in three lines, or over a whole dataset."""

import contextlib
import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from ssl_jax import build, durations, machine, paths, recipes, schema, spelling
from ssl_jax.checkpoint import Checkpoints
from ssl_jax.data import device, stream
from ssl_jax.data.sources import Source, subset
from ssl_jax.evals import features
from ssl_jax.exporting import weights
from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import program
from ssl_jax.types import Net, Tree
from ssl_jax.views import compose_host

PART = 8192
"""Examples whose features are written at a time: what an interruption of `to_file` can lose."""


class Encoder(NamedTuple):
    """The encoder of a run: of its method's encoders, such as student and teacher, one.

    config: the resolved recipe. step: of the checkpoint. digest: of the recipe. which: the name of the encoder.
    params, stats: its weights. net: its network.
    host: image [h, w, c] and seed -> {"clean": [1, s, s, c]}, the recipe's preprocessing; a tensorflow graph function.
    outputs: integers [b, 1, s, s, c], split by example over this process's devices -> {"pool": [b, d], ...}; jitted.
    """

    config: dict
    step: int
    digest: str
    which: str
    params: Tree
    stats: Tree
    net: Net
    host: Callable
    outputs: Callable

    def embed(self, images: np.ndarray | Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Features of images, each an integer array [h, w, c] of any size: {"pool": [b, d], ...} as the network gives.

        Images are resized, cropped and normalised as the recipe evaluates them. Raises ValueError for arrays of another
        kind or another number of channels than the encoder was trained on.
        """
        if len(images) == 0:
            raise ValueError("there are no images to embed: give an array [b, h, w, c] or a list of arrays [h, w, c]")
        for image in images:
            if np.ndim(image) != 3 or image.dtype not in (np.uint8, np.uint16):
                found = f"{getattr(image, 'dtype', type(image).__name__)} {list(np.shape(image))}"
                raise ValueError(f"an image is uint8 or uint16 [h, w, c], and this one is {found}")
        views = np.stack([compose_host.alone(self.host, image)["clean"] for image in images])
        return jax.tree.map(np.asarray, self.outputs(views))

    def stream(self, source: Source, *, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """(float32 [n, d] pooled features, int32 [n] labels, -1 where there is none) of a source, in its order."""
        mesh = meshes.local()
        rows = stream.sequential(source, self.host, batch=max(batch // mesh.size, 1) * mesh.size)
        with device.put(rows, meshes.by_example(mesh)) as batches:
            parts = ({"image": b["clean"], "label": b["label"], "mask": b["mask"]} for b in batches)
            return features.extract(self.outputs, parts)


def load(path: str, *, step: int | None = None, which: str | None = None) -> Encoder:
    """The encoder of a run, or of an exported file: `ssl_jax.load("runs/quickstart").embed(images)["pool"]`.

    path: a work directory, or a file that `ssl-jax export` wrote by the names of this library (.npz, .safetensors).
    step: the checkpoint to take, the newest if None. which: "student" or "teacher" where the method has both; its own
    choice if None. Raises ValueError where there is no such run, step or encoder, or where the checkpoint is damaged.
    """
    if path.endswith(weights.SUFFIXES):
        params, stats, about = weights.read(path)
        machine.release()  # what reading left, before everything is copied to the device
        return made(recipes.tuples(about["config"]), about["step"], about["which"], put(params), put(stats))
    config = schema.resolve(recipes.of_run(path))
    # The encoder knows neither the dataset's size nor its classes: any will do to learn what encoders there are.
    clock = durations.run(config["duration"], examples=config["batch"], batch=config["batch"])
    places = build.method_and_optimizer(config, clock, classes=2)[0].encoders
    if which is not None and which not in places:
        raise ValueError(spelling.unknown(which, places, f"the encoders of {config['method']['name']}"))
    which = which or next(iter(places))
    with contextlib.closing(Checkpoints(f"{path}/checkpoints", None)) as saved:
        step = saved.chosen(step)
        state = saved.contents(step, meshes.replicated(meshes.local()), places[which])
    params, stats = (paths.at(state, place) for place in places[which])
    return made(config, step, which, params, stats)


def put(tree: dict) -> dict:
    """The arrays of a tree moved to the device one by one, so that they never lie in memory twice."""
    for name, value in tree.items():
        tree[name] = put(value) if isinstance(value, dict) else jnp.asarray(value)
    return tree


def made(config: dict, step: int, which: str, params: Tree, stats: Tree) -> Encoder:
    """An encoder of a resolved recipe from its weights."""
    net, clean = network(config), build.preprocess(config["clean"], config["photometric"])

    @program.jit_on(meshes.local())
    def outputs(params, stats, images):
        views = clean.device(jax.random.key(0), {"clean": images})["clean"]
        return net.apply(params, stats, views[:, 0], train=False)[0]

    return Encoder(
        config=config,
        step=step,
        digest=recipes.digest(config),
        which=which,
        params=params,
        stats=stats,
        net=net,
        host=clean.host,
        outputs=lambda images: outputs(params, stats, images),
    )


def network(config: dict, **changes: Any) -> Net:
    """The network of a resolved recipe's encoder. changes: of its options."""
    spec = {**config["nets"]["encoder"], **changes}
    return schema.net_of("encoder", spec)(**{k: v for k, v in spec.items() if k != "name"})


def to_file(
    encoder: Encoder,
    source: Source,
    out: str,
    *,
    batch: int,
    say: Callable[[int, int], None],
    process: tuple[int, int] = (0, 1),
    meet: Callable[[], Any] = lambda: None,
) -> None:
    """Writes `out` with "features" float32 [n, d] and "labels" int32 [n], in the order of the source.

    out: .npz, or .parquet with one row an example (the extra [parquet]). Parts lie in `out`.parts until all are there,
    so that the same call after an interruption goes on. say: is told how many examples are done, and of how many.
    process: which of several this is and how many there are; each makes some parts, and the first writes `out`. meet:
    returns when all have called it. Raises ValueError for another name, or parts of another encoder or source.
    """
    path = epath.Path(out)
    write = _writer(path)
    parts = path.parent / f"{path.name}.parts"
    parts.mkdir(parents=True, exist_ok=True)
    _claim(parts, f"{encoder.digest} step {encoder.step} {encoder.which} of {source.digest}")
    starts = range(0, source.size, PART)
    for start in starts[process[0] :: process[1]]:
        stop = min(start + PART, source.size)
        part = parts / f"{start:010d}.npz"
        if not part.exists():
            rows, labels = encoder.stream(subset(source, np.arange(start, stop)), batch=batch)
            _in_one_move(np.savez, part, features=rows, labels=labels)
        say(stop, source.size)
    meet()
    if process[0] > 0:
        return
    read = [np.load((parts / f"{start:010d}.npz").open("rb")) for start in starts]
    write(path, **{name: np.concatenate([one[name] for one in read]) for name in ("features", "labels")})
    parts.rmtree()


def _claim(parts: epath.Path, what: str) -> None:
    """Says in the folder what its parts are of."""
    note = parts / "of.txt"
    if note.exists() and note.read_text() != what:
        raise ValueError(f"{parts} holds features of another checkpoint or dataset: remove it, or name another --out")
    note.write_text(what)


def _writer(path: epath.Path) -> Callable:
    """(path, features=, labels=) -> None by the path's ending. Raises ValueError where there is none, or no library."""
    if path.suffix == ".npz":
        return functools.partial(_in_one_move, np.savez)
    if path.suffix == ".parquet":
        try:
            return functools.partial(_in_one_move, importlib.import_module("ssl_jax.parquet").save)
        except ModuleNotFoundError as error:
            raise ValueError(f"{path.name} is written with {error.name}: pip install 'ssl_jax[parquet]'") from error
    raise ValueError(f"--out={path}: features are written as .npz or .parquet; name a file such as features.npz")


def _in_one_move(save: Callable, path: epath.Path, **arrays: np.ndarray) -> None:
    """A file that is there whole or not at all. save: (open file, **arrays)."""
    fresh = path.parent / f"{path.name}.new"
    with fresh.open("wb") as file:
        save(file, **arrays)
    fresh.replace(path)
