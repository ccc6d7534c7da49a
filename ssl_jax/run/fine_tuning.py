"""Fine-tuning as a protocol: the recipe of a run that trains another one's network on N percent of the labels."""

import re

from ssl_jax.nets import vit
from ssl_jax.probes import views
from ssl_jax.run import grid

FORMS = ("fine_tune_N", grid.FORM)
TRANSFORMERS = ("vit", "swin")
LARGE = 1024
"""The width from which MAE has other figures, those of ViT-L and ViT-H."""


def known(name: str) -> bool:
    """Whether it is "fine_tune_10" or, in 5 epochs, "fine_tune_10_5", or a name of `grid.py`."""
    return _parted(name) is not None or grid.known(name)


def title(name: str) -> str:
    """What a table calls it."""
    if grid.known(name):
        return grid.title(name)
    percent, epochs = _parted(name)
    return f"fine-tuned, {percent} % of the labels" + (f", {epochs} epochs" if epochs else "")


def recipe(config: dict, name: str, role: str, *, examples: int, classes: int, devices: int, weights: str) -> dict:
    """The recipe that "fine_tune_N" runs, from the resolved one of a run whose encoder is the network `role`.

    examples: of its training set. weights: a file with the encoder's, "" for random ones; both have the same batches,
    crops, flips and steps. Transformers as MAE (arXiv:2111.06377, table 9), others as SimCLR (arXiv:2002.05709,
    appendix B.5: 60 epochs of 1 % of the labels, 30 of 10 %); the batch is the run's, halved until it is no larger than
    the labeled examples. Raises ValueError where these are fewer than one batch can be halved to.
    """
    percent, epochs = _parted(name)
    spec, train = config["nets"][role], config["data"]["train"]
    batch = _batch(config["batch"], examples * percent // 100, devices, f"{percent} % of {examples:,}")
    like = _mae(spec, bool(weights)) if spec["name"] in TRANSFORMERS else _simclr(percent)
    like["duration"] = f"{epochs or like.pop('epochs')} epochs"
    data = {"train": train if percent == 100 else f"held:{percent / 100:g}*{train}"}
    return _made(config, spec, like, data=data, batch=batch, classes=classes, weights=weights)


def of_pair(
    config: dict,
    name: str,
    role: str,
    pair: grid.Pair,
    *,
    examples: int,
    classes: int,
    devices: int,
    weights: str,
    choosing: bool,
) -> dict:
    """The recipe of a pair of "fine_tune_grid", as `recipe`. choosing: on the parts of the training set by which it is
    chosen, else on all of it and the test set."""
    train = config["data"]["train"]
    parts = {"train": f"rest:{grid.HELD:g}*{train}", "test": f"held:{grid.HELD:g}*{train}"} if choosing else {}
    there = examples - int(examples * grid.HELD) if choosing else examples
    batch = _batch(grid.BATCH, there, devices, f"{there:,}")
    spec = grid.network(config["nets"][role], there, batch)
    like = {**_simclr(100), **grid.like(name, pair)}
    return _made(config, spec, like, data=parts, batch=batch, classes=classes, weights=weights)


def _batch(batch: int, labeled: int, devices: int, told: str) -> int:
    """Halved until the labeled examples fill it. Raises ValueError, with the number that is told, where none does."""
    while batch > labeled and batch % (2 * devices) == 0:
        batch //= 2
    if batch > labeled:
        raise ValueError(f"{told} training examples are fewer than a batch of {batch}")
    return batch


def _made(config: dict, spec: dict, like: dict, *, data: dict, batch: int, classes: int, weights: str) -> dict:
    """A recipe from the one of the run. like: what differs by protocol. data: of the run's what is replaced."""
    same = ("seed", "photometric", "mesh", "processes", "health", "clean")
    return {
        **{key: config[key] for key in same},
        "data": {**config["data"], **data},
        "batch": batch,
        "nets": {"encoder": spec, "classifier": {"name": "linear", "out": classes}},
        "views": (views.augmented(config["clean"][0], method=like["crop"], group="global"),),
        "probe": False,
        "start": {"encoder": weights} if weights else {},
        "checkpoint": {"keep": 1},
        "evaluation": {**config["evaluation"], "every": "never", "final": "none"},
        **{key: like[key] for key in ("method", "optimizer", "lr", "duration")},
    }


def _mae(spec: dict, trained: bool) -> dict:
    """trained: whether the network has weights whose first layers are to move little (the rate by layer of a vit)."""
    large = spec["name"] == "vit" and vit.sizes(spec["variant"])[0] >= LARGE
    by_layer = {"layer_rate": 0.75 if large else 0.65} if spec["name"] == "vit" and trained else {}
    return {
        "method": dict(name="supervised_classification", smoothing=0.1, mixup=0.8, cutmix=1.0),
        "optimizer": dict(name="adamw", weight_decay=0.05, **by_layer),
        "lr": dict(kind="cosine", peak=1e-3 if large else 5e-4, per=256, warmup="5 %", end=1e-6),
        "epochs": 50 if large else 100,
        "crop": "bicubic",
    }


def _simclr(percent: int) -> dict:
    return {
        "method": dict(name="supervised_classification"),
        "optimizer": dict(name="sgd", nesterov=True),
        "lr": dict(kind="cosine", peak=0.05, per=256),
        "epochs": 60 if percent == 1 else 30,
        "crop": "bicubic",
    }


def _parted(name: str) -> tuple[int, int | None] | None:
    """(percent of the labels, epochs) of a name; None for another one."""
    found = re.fullmatch(r"fine_tune_(\d+)(?:_(\d+))?", name)
    percent, epochs = (int(number) if number else None for number in found.groups()) if found else (0, None)
    return (percent, epochs) if 1 <= percent <= 100 and epochs != 0 else None
