"""The tables that choose: docs/own_data.md shows them.

Nothing here was tuned: sizes and networks are those of published recipes for images of that size, cut down for CPUs to
what learns within minutes.
"""

import re

from ssl_jax.checks import spelling

SIZES = {
    "cpu": ((48, 32), (96, 64), (None, 96)),
    "accelerator": ((48, 32), (96, 64), (160, 128), (None, 224)),
}
"""(Short side up to which, in pixels; size of the views), by what computes."""
PUBLISHED = 128
"""Views from which on an accelerator follows a method's ImageNet recipe, below it the one for CIFAR-10."""
METHODS = {
    "simclr": "r50",
    "moco_v2": "r50",
    "byol": "r50",
    "simsiam": "r50",
    "barlow_twins": "r50",
    "vicreg": "r50",
    "swav": "r50",
    "dino": "vits16",
    "ibot": "vits16",
    "mae": "vitb16",
}
"""Methods -> the network of their ImageNet recipe; the first is the one that is taken."""
PATCHES = ("mae", "ibot")
"""Those that hide patches, so that the network has to have some."""
SMALL = {"resnet": "resnet_small", "vit": "vit_small_net"}
"""The networks of the small recipes."""
RESNETS = (18, 34, 50, 101, 152)
MEDIUM = 50_000
"""Images below which an accelerator takes the ResNet with 18 layers in the place of the one with 50."""
VARIANTS = {"tiny": "Ti", "small": "S", "base": "B", "large": "L", "huge": "H"}
BATCHES = {"cpu": 128, "gpu": 256, "tpu": 512}
"""Images a step on one device, before memory and the size of the dataset make them fewer."""
EXAMPLES = {"cpu": 5_000, "accelerator": 50_000}
"""Images that evaluations read, at most, of the training set and of the test set that is held out."""
HELD = ((1_000, 0.2), (None, 0.1))
"""(Images up to which, the share of those with labels that is held out), where no test set is named."""
A_CLASS = 5
"""Images a class, on average, from which on some are held out."""
EPOCHS, STEPS = 100, 5_000
"""A run without a time has so many epochs, and not fewer than so many steps."""


def kind(platform: str) -> str:
    """The row of `SIZES` and `EXAMPLES`."""
    return "cpu" if platform == "cpu" else "accelerator"


def size(side: int, platform: str) -> int:
    """Pixels of the views for images whose short side is `side`."""
    return next(views for limit, views in SIZES[kind(platform)] if limit is None or side <= limit)


def held(examples: int, classes: int, platform: str) -> tuple[float, str]:
    """(the share of the images that is held out as a test set, why)."""
    if examples < A_CLASS * classes:
        return 0.0, f"{examples / classes:.2g} images a class are too few to hold some out: --test=0.2 does"
    share = next(share for limit, share in HELD if limit is None or examples <= limit)
    share = min(share, float(f"{EXAMPLES[kind(platform)] / examples:.3g}"))
    return share, "of each class, for the table at the end; --test=none trains on all"


def nets() -> list[str]:
    """The names that `encoder` knows."""
    vits = [f"vit_{name}_{patch}" for name in VARIANTS for patch in (8, 14, 16)]
    return [*SMALL.values(), *(f"resnet{depth}" for depth in RESNETS), *vits]


def encoder(name: str, pixels: int) -> dict:
    """A network by its name, for views of so many pixels: keys of `nets.encoder`.

    resnet_small, vit_small_net: those of the recipes for CIFAR-10, with four stages and larger patches for larger
    views. resnetDEPTH; vit_SIZE_PATCH. ValueError for an unknown name, or patches that do not divide the views.
    """
    if name == "resnet_small":
        if pixels < 96:
            return dict(name="resnet", depth=(1, 1, 1), base=32, stem="half")
        return dict(name="resnet", depth=(1, 1, 1, 1), base=32, stem="imagenet")
    if name == "vit_small_net":
        return dict(name="vit", variant=(96, 3, 4, pixels // 8))
    if found := re.fullmatch(r"resnet(\d+)", name):
        if int(found[1]) in RESNETS:
            return dict(name="resnet", depth=int(found[1]), base=64, stem="imagenet" if pixels >= 96 else "cifar")
    found = re.fullmatch(r"vit_([a-z]+)_(\d+)", name)
    if not found or found[1] not in VARIANTS or not 2 <= int(found[2]) <= 64:
        raise ValueError(spelling.unknown(name, nets(), "the networks of --net"))
    if pixels % int(found[2]):
        raise ValueError(
            f"--net={name} has patches of {found[2]} pixels, which do not divide the views of {pixels} pixels that "
            "suit these images: take patches that do, such as vit_small_8"
        )
    return dict(name="vit", variant=f"{VARIANTS[found[1]]}/{found[2]}")


def patch(net: dict) -> int:
    """The side of a transformer's patches in pixels; 1 for other networks."""
    variant = net.get("variant")
    if variant is None:
        return 1
    return int(variant.partition("/")[2]) if isinstance(variant, str) else variant[-1]
