"""Every method of the folder at a size that a test can afford, on made-up images."""

import functools
import importlib
import inspect
from types import ModuleType
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax.config import registry
from ssl_jax.nets import decoders, heads, resnet, text, video_resnet, vit
from ssl_jax.paradigms.monitored import with_monitors
from ssl_jax.paradigms.probe import with_probe
from ssl_jax.shard import mesh, program
from ssl_jax.types import Examples, Method, Net, Schedule

METHODS = registry.listing("methods", Method)
EXAMPLES, BATCH, SIZE, LOCAL, PATCH = 48, 16, 16, 8, 4
SMALL = {
    "moco_v2": {"queue": 2 * BATCH},
    "swav": {"prototypes": 8, "queue": 2 * BATCH},
    "deepcluster_v2": {"heads": 2, "centroids": 4, "iterations": 3},
    "mae": {"patch": PATCH},
    "knowledge_distillation": {"soft_weight": 0.5},
}
TRANSFORMERS = ("mae", "dino", "ibot")
CLIPS, FRAMES = ("rho_byol",), 4
"""Methods that are shown clips [t, s, s, c], and the frames of one."""
MULTI_CROP = ("swav", "dino", "ibot", "deepcluster_v2")
TEXTS = {"clip": (1, 6)}
"""Views and tokens of the methods that see texts."""
ONE_VIEW = ("mae", "rotation", "clip")
UNOPTIMIZED = {"xla_backend_optimization_level": 0}
"""For a few steps of so small a network: the compiler takes half of the time."""


def own(name: str) -> ModuleType | None:
    """What a method brings along: tests/laws/methods/NAME.py, which may have any of

    ARGUMENTS: of its constructor; nets: (dtype) -> {role: Net}, in place of those below; GROUPS: {group: (views, size)}
    of its batch; EXTENT: the axes of a view after the first, in place of (size, 3); TARGETS: numbers to predict that an
    example has; more: (generator) -> what else a batch has; learns: (examples) -> the method as test_learns.py trains
    it on Fashion-MNIST, None where steps teach it nothing or it sees no images; controls: (encoder, projector,
    predictor) -> {guard: (whole, without, measure)}, of test_collapse.py; NO_CONTROL: why that needs none of it.
    """
    full = f"tests.laws.methods.{name}"
    return importlib.import_module(full) if importlib.util.find_spec(full) else None


def of(name: str, what: str, otherwise):
    """An attribute of `own`, or what stands in its place."""
    return getattr(own(name), what, otherwise)


def nets(method: str, dtype: str) -> dict[str, Net]:
    """A net for each role that a method may have."""
    return {**_common(method, dtype), **of(method, "nets", lambda dtype: {})(dtype)}


def _common(method: str, dtype: str) -> dict[str, Net]:
    if method in TRANSFORMERS:
        encoder = vit.vit(
            variant=(16, 2, 2, PATCH),
            drop_path=0.2 if method in ("dino", "ibot") else 0.0,
            mask_token=method == "ibot",
            dtype=dtype,
        )
    elif method in CLIPS:
        encoder = video_resnet.r2plus1d(depth=(1, 1), base=4, zero_init=False, stem="half", dtype=dtype)
    else:
        encoder = resnet.resnet(
            depth=(1, 1), base=4, zero_init=False, stem="cifar", groups=2 if method == "moco_v2" else 1, dtype=dtype
        )
    return {
        "encoder": encoder,
        "projector": heads.mlp(widths=(16, 8), dtype=dtype),
        "predictor": heads.mlp(widths=(16, 8), dtype=dtype),
        "teacher": vit.vit(variant=(8, 1, 2, PATCH), dtype=dtype),
        "classifier": heads.linear(out=4, dtype=dtype),
        "text_encoder": text.text_transformer(vocabulary=20, length=8, width=16, layers=2, heads=2, dtype=dtype),
        "text_projector": heads.linear(out=8, bias=False, dtype=dtype),
        "decoder": decoders.mae_decoder(width=8, layers=1, heads=2, patch=PATCH, dtype=dtype),
    }


def method(name: str, dtype: str = "float32") -> Method:
    """The method as a run has it: with monitors and a probe of 3 classes."""
    make, roles, arguments = METHODS[name], nets(name, dtype), dict(of(name, "ARGUMENTS", SMALL.get(name, {})))
    for parameter in inspect.signature(make).parameters.values():
        if parameter.annotation is Net:
            arguments[parameter.name] = roles[parameter.name]
        elif parameter.annotation is Schedule:
            arguments[parameter.name] = lambda step: jnp.asarray(0.9, jnp.float32)
        elif parameter.annotation is Examples:
            arguments[parameter.name] = EXAMPLES
    return with_probe(with_monitors(make(**arguments)), 3)


def optimizer() -> optax.GradientTransformation:
    """Momentum: its state would show a difference that Adam's scale hides."""
    return optax.sgd(0.05, 0.9)


def batch(name: str, seed: int) -> dict:
    """Integers as the host makes them: every draw of `seed` its own."""
    generator = np.random.default_rng(seed)
    groups = {"global": (2, SIZE), **({"local": (2, LOCAL)} if name in MULTI_CROP else {})}
    groups = {"global": (1, SIZE)} if name in ONE_VIEW else groups
    groups = of(name, "GROUPS", groups)
    frames = (FRAMES,) if name in CLIPS else ()
    images = {
        group: generator.integers(0, 256, (BATCH, views, *frames, size, *of(name, "EXTENT", (size, 3))), np.uint8)
        for group, (views, size) in groups.items()
    }
    if name in TEXTS:
        images["text"] = tokens(generator, *TEXTS[name])
    index = generator.permutation(EXAMPLES)[:BATCH].astype(np.int32)
    ids = {"index": index, "label": generator.integers(-1, 3, BATCH).astype(np.int32)}
    if targets := of(name, "TARGETS", 0):
        images["target"] = generator.normal(size=(BATCH, targets)).astype(np.float32)
        images["target"][3] = np.nan  # an example without
    return {**images, **ids, **of(name, "more", lambda generator: {})(generator)}


def examples(name: str, views: str) -> list[dict]:
    """All examples as a pass reads them, in batches of which the last is filled up; one cannot be read."""
    side = of(name, "GROUPS", {"global": (1, SIZE)})["global"][1]
    images = np.random.default_rng(99).integers(0, 256, (EXAMPLES, 1, side, side, 3), np.uint8)
    batches = []
    for start in range(0, EXAMPLES + 1, BATCH):
        index = np.minimum(np.arange(start, start + BATCH), EXAMPLES - 1)
        rows = {"clean": images[index]} if views == "clean" else batch(name, start)
        ids = {"index": index.astype(np.int32), "label": np.full(BATCH, -1, np.int32)}
        mask = np.arange(start, start + BATCH) < EXAMPLES
        batches.append({**rows, **ids, "mask": mask, "valid": index != 5})
    return batches


def passed(name: str, made: Method, compiled, state, key):
    """The state after every pass of the method, due or not."""
    for place, (one, walk) in enumerate(zip(made.passes, compiled.passes, strict=True)):
        for time in range(one.times):
            own = jax.random.fold_in(jax.random.fold_in(key, place), time)
            found = walk.start(state, own)
            for i, rows in enumerate(examples(name, one.views) if one.views else ()):
                rows = jax.tree.map(lambda a: jax.device_put(a, compiled.by_example), rows)
                found, _ = walk.fold(state, found, rows, jax.random.fold_in(own, i))
            state = walk.finish(state, found, own)
    return state


def tokens(generator, views: int, length: int) -> np.ndarray:
    """Texts of one token to `length`, zeros behind."""
    real = np.arange(length) < generator.integers(1, length + 1, (BATCH, views, 1))
    return np.where(real, generator.integers(1, 20, (BATCH, views, length)), 0).astype(np.int32)


def augment(key, batch: dict, dtype=jnp.float32) -> dict:
    """Floats around 0, with a little noise that depends on the key."""
    out = dict(batch)
    for i, group in enumerate(g for g in ("global", "local", "patches") if g in batch):
        noise = jax.random.normal(jax.random.fold_in(key, i), batch[group].shape, dtype)
        out[group] = batch[group].astype(dtype) / 64 - 2 + 0.1 * noise
    return out


def clean(key, batch: dict, dtype=jnp.float32) -> dict:
    """Floats without noise."""
    return {**batch, "clean": batch["clean"].astype(dtype) / 64 - 2}


class Compiled:
    """A method in float64 as programs for data x fsdp devices; to be used where `jax.enable_x64` holds."""

    def __init__(self, name: str, data: int = 1, fsdp: int = 1):
        self.name, self.method = name, method(name, "float64")
        self.augment = functools.partial(augment, dtype=jnp.float64)
        shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, batch(name, 0)))
        place = mesh.make(data, fsdp, devices=jax.devices()[: data * fsdp])
        options = {key: {**getattr(program, key), **UNOPTIMIZED} for key in ("ON_CPU", "QUICKLY")}
        with mock.patch.multiple(program, **options):
            self.program = program.build(
                self.method, optimizer(), self.augment, functools.partial(clean, dtype=jnp.float64), shapes, place
            )

    @functools.cached_property
    def step(self):
        """(state, batch, key) -> (state, metrics), as the compiler made it."""
        return self.program.step.lower(self.program.state, self.program.batch, jax.random.key(0)).compile()

    def start(self, seed: int):
        """A fresh state."""
        return self.program.init(jax.random.key(seed))

    def passed(self, state, seed: int, place: int):
        """The state after every pass of the method, with the key of that place in the run."""
        return passed(self.name, self.method, self.program, state, jax.random.fold_in(jax.random.key(seed), place))

    def advanced(self, state, seed: int, place: int):
        """State and metrics after a step; its batch and key are functions of seed and place."""
        rows = jax.tree.map(lambda a: jax.device_put(a, self.program.by_example), batch(self.name, place))
        state, metrics = jax.block_until_ready(self.step(state, rows, jax.random.key(seed)))
        return state, jax.device_get(metrics)
