"""Every method of the folder at a size that a test can afford, on made-up images."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax import registry
from ssl_jax.nets import decoders, heads, resnet, vit
from ssl_jax.paradigms.monitored import with_monitors
from ssl_jax.paradigms.probe import with_probe
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
MULTI_CROP = ("swav", "dino", "ibot", "deepcluster_v2")


def nets(method: str, dtype: str) -> dict[str, Net]:
    """A net for each role that a method may have."""
    if method in TRANSFORMERS:
        encoder = vit.vit(
            variant=(16, 2, 2, PATCH),
            drop_path=0.2 if method in ("dino", "ibot") else 0.0,
            mask_token=method == "ibot",
            dtype=dtype,
        )
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
        "decoder": decoders.mae_decoder(width=8, layers=1, heads=2, patch=PATCH, dtype=dtype),
    }


def method(name: str, dtype: str = "float32") -> Method:
    """The method as a run has it: with monitors and a probe of 3 classes."""
    make, roles, arguments = METHODS[name], nets(name, dtype), dict(SMALL.get(name, {}))
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
    groups = {"global": (1, SIZE)} if name in ("mae", "rotation") else groups
    images = {
        group: generator.integers(0, 256, (BATCH, views, size, size, 3), np.uint8)
        for group, (views, size) in groups.items()
    }
    index = generator.permutation(EXAMPLES)[:BATCH].astype(np.int32)
    return {**images, "index": index, "label": generator.integers(-1, 3, BATCH).astype(np.int32)}


def augment(key, batch: dict, dtype=jnp.float32) -> dict:
    """Floats around 0, with a little noise that depends on the key."""
    out = dict(batch)
    for i, group in enumerate(g for g in ("global", "local") if g in batch):
        noise = jax.random.normal(jax.random.fold_in(key, i), batch[group].shape, dtype)
        out[group] = batch[group].astype(dtype) / 64 - 2 + 0.1 * noise
    return out


def clean(key, batch: dict, dtype=jnp.float32) -> dict:
    """Floats without noise."""
    return {**batch, "clean": batch["clean"].astype(dtype) / 64 - 2}
