"""Fine-tuning as a protocol: the recipe of a run that trains another one's network on N percent of the labels."""

import re

from ssl_jax.nets import vit
from ssl_jax.probes import views

FORM = "fine_tune_N"
SCRATCH, TUNED = "scratch", "tuned"
"""The two runs that are compared: from random weights, and from the encoder's."""
TRANSFORMERS = ("vit", "swin")
LARGE = 1024
"""The width from which MAE has other figures, those of ViT-L and ViT-H."""


def known(name: str) -> bool:
    """Whether it is "fine_tune_10" or, in 5 epochs, "fine_tune_10_5"."""
    return _parted(name) is not None


def title(name: str) -> str:
    """What a table calls it."""
    percent, epochs = _parted(name)
    return f"fine-tuned, {percent} % of the labels" + (f", {epochs} epochs" if epochs else "")


def recipe(config: dict, name: str, role: str, *, examples: int, classes: int, devices: int, weights: str) -> dict:
    """The recipe that a protocol runs, from the resolved one of a run whose encoder is the network `role`.

    examples: of its training set. weights: a file with the encoder's, "" for random ones; both have the same batches,
    crops, flips and steps. Transformers as MAE (arXiv:2111.06377, table 9), others as SimCLR (arXiv:2002.05709,
    appendix B.5: 60 epochs of 1 % of the labels, 30 of 10 %); the batch is the run's, halved until it is no larger than
    the labeled examples. Raises ValueError where these are fewer than one batch can be halved to.
    """
    percent, epochs = _parted(name)
    spec = config["nets"][role]
    labeled, batch = examples * percent // 100, config["batch"]
    while batch > labeled and batch % (2 * devices) == 0:
        batch //= 2
    if batch > labeled:
        raise ValueError(f"{percent} % of {examples:,} training examples are fewer than a batch of {batch}")
    like = _mae(spec, bool(weights)) if spec["name"] in TRANSFORMERS else _simclr(percent)
    train = config["data"]["train"]
    same = ("seed", "photometric", "mesh", "processes", "health", "clean")
    crop = views.augmented(config["clean"][0], method=like.pop("crop"), group="global")
    return {
        **{key: config[key] for key in same},
        "data": {**config["data"], "train": train if percent == 100 else f"held:{percent / 100:g}*{train}"},
        "batch": batch,
        "duration": f"{epochs or like.pop('epochs')} epochs",
        "nets": {"encoder": spec, "classifier": {"name": "linear", "out": classes}},
        "views": (crop,),
        "probe": False,
        "start": {"encoder": weights} if weights else {},
        "checkpoint": {"keep": 1},
        "evaluation": {**config["evaluation"], "every": "never", "final": "none"},
        **{key: like[key] for key in ("method", "optimizer", "lr")},
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
