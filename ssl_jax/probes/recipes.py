"""Linear probes as papers train them: a head on frozen features of augmented images, by stochastic gradient descent.

Each recipe is a record; "probe_mae" is MAE's as published, "probe_mae_5" the same in 5 epochs, "probe_mae_5_256" with
batches of 256 besides. Schedules are over the whole run, per step, and warm-ups keep their share of it.
"""

import re
from typing import NamedTuple

PREFIX = "probe_"
BATCH = 256
"""What rates are given for: they are multiplied by batch / 256 (Goyal et al. 2017, arXiv:1706.02677)."""


class Recipe(NamedTuple):
    """How a head is trained.

    title: whose it is. source: where its figures are from. inputs: what of the encoder heads see, keys of `inputs.py`;
    each has a head for each of the rates. optimizer: a rule of `optim.chain` with its options. schedule: the rate as a
    share of its peak, for `schedules.make`. std: of the kernel at first, 0 for zeros. normalized: whether features pass
    a batch norm without scale and shift. crop: how random crops are resized. reported: what the paper prints the test
    accuracy of; here the test set never chooses.
    """

    title: str
    source: str
    epochs: float
    batch: int
    rates: tuple[float, ...]
    optimizer: dict
    inputs: tuple[str, ...] = ("pool",)
    schedule: dict = dict(kind="cosine", peak=1.0)
    std: float = 0.01
    normalized: bool = False
    crop: str = "bilinear"
    reported: str = "the last epoch"


BEST = "the best epoch on the test set"
SGD = dict(name="sgd", momentum=0.9, decay_1d=True)
NESTEROV = SGD | dict(nesterov=True)
RECIPES = {
    "simclr": Recipe(
        "SimCLR",
        "arXiv:2002.05709, appendix B.6; code",
        *(90, 4096, (0.1,), NESTEROV | dict(weight_decay=1e-6)),
        std=0.0,
        crop="bicubic",
    ),
    "moco": Recipe(
        "MoCo",
        "arXiv:1911.05722, section 4.1; code",
        *(100, 256, (30.0,), SGD),
        schedule=dict(kind="steps", peak=1.0, factor=0.1, at=(0.6, 0.8)),
        reported=BEST,
    ),
    "moco_v3": Recipe("MoCo v3", "arXiv:2104.02057, code, vision transformers", 90, 1024, (3.0,), SGD, reported=BEST),
    "moco_v3_resnet": Recipe("MoCo v3", "arXiv:2104.02057, code, ResNet-50", 90, 1024, (0.1,), SGD, reported=BEST),
    "byol": Recipe(
        "BYOL",
        "arXiv:2006.07733, paper's sweep; code",
        *(80, 1024, (0.4, 0.3, 0.2, 0.1, 0.05), NESTEROV),
        crop="bicubic",
        reported="the best rate on a validation part of train",
    ),
    "simsiam": Recipe(
        "SimSiam", "arXiv:2011.10566, code", 90, 4096, (0.1,), dict(name="larc", coefficient=0.001), reported=BEST
    ),
    "swav": Recipe("SwAV", "arXiv:2006.09882, code", 100, 256, (0.3,), SGD | dict(weight_decay=1e-6), reported=BEST),
    "barlow_twins": Recipe(
        "Barlow Twins", "arXiv:2103.03230, code", 100, 256, (0.3,), SGD | dict(weight_decay=1e-6), reported=BEST
    ),
    "vicreg": Recipe(
        "VICReg", "arXiv:2105.04906, code", 100, 256, (0.02,), SGD | dict(weight_decay=1e-6), reported=BEST
    ),
    "mae": Recipe(
        "MAE",
        "arXiv:2111.06377, table 10; code",
        *(90, 16384, (0.1,), dict(name="lars_momentum_then_rate", coefficient=0.001)),
        inputs=("cls",),
        schedule=dict(kind="cosine", peak=1.0, warmup=10 / 90),
        normalized=True,
        crop="bicubic",
        reported=BEST,
    ),
    "dino": Recipe(
        "DINO",
        "arXiv:2104.14294, code, ViT-S",
        *(100, 1024, (0.001,), SGD),
        inputs=("cls_4",),
        reported=BEST,
    ),
    "dino_base": Recipe(
        "DINO", "arXiv:2104.14294, code, ViT-B", 100, 1024, (0.001,), SGD, inputs=("cls_1_mean",), reported=BEST
    ),
    "dinov2": Recipe(
        "DINOv2",
        "arXiv:2304.07193, code",
        *(10, 1024, (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1), SGD),
        inputs=("cls_1", "cls_1_mean", "cls_4", "cls_4_mean"),
        reported="the best head on the test set",
    ),
    "beit": Recipe(
        "BEiT",
        "arXiv:2106.08254, code",
        *(100, 1024, (0.001,), dict(name="adamw", weight_decay=1e-4, decay_1d=True)),
        inputs=("each",),
        reported="the best layer and epoch on the test set",
    ),
}
"""By name. Epochs of DINOv2 are 1,250 batches there, one of ImageNet here."""


def names() -> tuple[str, ...]:
    """What can be asked for, without numbers."""
    return tuple(PREFIX + name for name in RECIPES)


def known(name: str) -> bool:
    """Whether it names a recipe, with or without numbers."""
    return _parted(name) is not None


def of(name: str) -> Recipe:
    """The recipe of "probe_mae", or of "probe_mae_5_256", its epochs and batch replaced. Raises KeyError for none."""
    found = _parted(name)
    if found is None:
        raise KeyError(name)
    recipe, numbers = found
    return recipe._replace(**dict(zip(("epochs", "batch"), numbers, strict=False)))


def title(name: str) -> str:
    """What a table calls it: "MAE's probe, 5 epochs, batch 256"."""
    recipe, (*numbers,) = _parted(name)
    said = [form.format(number) for form, number in zip(("{} epochs", "batch {}"), numbers, strict=False)]
    return ", ".join([f"{recipe.title}'s probe", *said])


def smaller(name: str) -> str:
    """What a protocol is called with as many epochs and batches of 256."""
    head = re.split(r"_(?=\d)", name)[0]
    return f"{head}_{of(name).epochs:g}_{BATCH}"


def _parted(name: str) -> tuple[Recipe, list[int]] | None:
    head, *numbers = re.split(r"_(?=\d)", name)
    recipe = RECIPES.get(head.removeprefix(PREFIX)) if head.startswith(PREFIX) else None
    counted = all(number.isdecimal() and int(number) > 0 for number in numbers)
    return (recipe, [int(number) for number in numbers]) if recipe and counted and len(numbers) <= 2 else None
