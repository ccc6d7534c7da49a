"""Two views of an image, or a few, by the same operations or by two sets of them."""

from . import parts
from .parts import CIFAR10, HALF, IMAGENET, SOLDER_JOINTS


def simclr(
    size: int = 224,
    *,
    strength: float = 1.0,
    blur: bool = True,
    scale: tuple[float, float] = (0.08, 1.0),
    additive: bool = False,
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """SimCLR (arXiv:2002.05709, appendix A): crop, flip, jitter, gray, blur.

    ImageNet: strength 1. CIFAR-10: strength 0.5 and no blur. additive: brightness as in the code's first mode.
    """
    jitter = tuple(strength * amount for amount in (0.8, 0.8, 0.8, 0.2))
    colors = (*parts.colors(jitter, stats, additive=additive), *((parts.blur(size, 0.5),) if blur else ()))
    return (parts.view("global", 2, size, parts.crop(scale), colors, stats),)


def moco_v1(
    size: int = 224,
    *,
    count: int = 2,
    scale: tuple[float, float] = (0.2, 1.0),
    flip: bool = True,
    gray: bool = True,
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """MoCo v1 (arXiv:1911.05722, section 3.3): gray first, jitter always, no blur.

    InstDisc (arXiv:1805.01978): count 1, on CIFAR-10 no flip. NPID++ (VISSL): count 1, scale from 0.08, no gray.
    """
    jitter, *grays = parts.colors((0.4, 0.4, 0.4, 0.4), stats, p=1.0)
    geometry = parts.crop(scale)[: 2 if flip else 1]
    return (parts.view("global", count, size, geometry, (*(grays if gray else ()), jitter), stats),)


def moco_v2(size: int = 224, *, count: int = 2, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MoCo v2 (arXiv:2003.04297, section 3), SimSiam (arXiv:2011.10566, section 3), PCL v2; FastSiam: 4."""
    colors = (*parts.colors((0.4, 0.4, 0.4, 0.1), stats), parts.blur(size, 0.5))
    return (parts.view("global", count, size, parts.crop((0.2, 1.0)), colors, stats),)


def ressl(
    size: int = 224,
    *,
    scale: tuple[float, float] = (0.2, 1.0),
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1),
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """ReSSL (arXiv:2107.09282, code): MoCo v2's view for the student, and last a crop and flip for the teacher.

    On CIFAR solo-learn has a scale of (0.08, 1) and a jitter of (0.4, 0.4, 0.2, 0.1).
    """
    strong = (*parts.colors(jitter, stats), parts.blur(size, 0.5))
    return tuple(parts.view("global", 1, size, parts.crop(scale), colors, stats) for colors in (strong, ()))


def rank_n_contrast(size: int = 224, *, stats: dict = HALF) -> tuple[dict, ...]:
    """Rank-N-Contrast (arXiv:2210.01189, released code): MoCo v2's without the blur."""
    return (parts.view("global", 2, size, parts.crop((0.2, 1.0)), parts.colors((0.4, 0.4, 0.4, 0.1), stats), stats),)


def byol(size: int = 224, *, scale: tuple[float, float] = (0.08, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """BYOL (arXiv:2006.07733, appendix B, table 6); Barlow Twins, MoCo v3 and VICReg's code take the same.

    One view is always blurred and never solarized, the other seldom blurred and sometimes solarized.
    """
    crop, colors = parts.crop(scale, "bicubic"), parts.colors((0.4, 0.4, 0.2, 0.1), stats)
    first = (*colors, parts.blur(size, 1.0), parts.solarize(0.0))
    second = (*colors, parts.blur(size, 0.1), parts.solarize(0.2))
    return tuple(parts.view("global", 1, size, crop, each, stats) for each in (first, second))


def cifar_symmetric(size: int = 32, *, stats: dict = CIFAR10) -> tuple[dict, ...]:
    """solo-learn's views for SimCLR, SwAV and DeepCluster-v2 on CIFAR (scripts/pretrain/cifar): strong jitter, blur."""
    return _cifar(size, (0.8, 0.8, 0.8, 0.2), stats, blur=0.5)


def cifar_symmetric_weak(size: int = 32, *, count: int = 2, stats: dict = CIFAR10) -> tuple[dict, ...]:
    """solo-learn's views for MoCo v2+ and SimSiam on CIFAR: as `cifar_symmetric` with a weaker jitter."""
    return _cifar(size, (0.4, 0.4, 0.4, 0.1), stats, count=count, blur=0.5)


def cifar_asymmetric(size: int = 32, *, stats: dict = CIFAR10) -> tuple[dict, ...]:
    """solo-learn's views for BYOL, Barlow Twins, DINO, MoCo v3 and NNCLR on CIFAR: one of the two views solarized."""
    return _cifar(size, (0.4, 0.4, 0.2, 0.1), stats, solarize=(0.0, 0.2))


def cifar_vicreg(size: int = 32, *, stats: dict = CIFAR10) -> tuple[dict, ...]:
    """solo-learn's views for VICReg on CIFAR: no small crops, both views solarized with p 0.1."""
    return _cifar(size, (0.4, 0.4, 0.2, 0.1), stats, solarize=(0.1, 0.1), scale=(0.2, 1.0))


def solo_vicreg(size: int = 224, *, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """solo-learn's views for VICReg on ImageNet, the paper's (arXiv:2105.04906, appendix C.1), and FroSSL's."""
    colors = (*parts.colors((0.4, 0.4, 0.2, 0.1), stats), parts.blur(size, 0.5), parts.solarize(0.1))
    return (parts.view("global", 2, size, parts.crop((0.2, 1.0), "bicubic"), colors, stats),)


def small(
    size: int = 32, *, count: int = 2, scale: tuple[float, float] = (0.2, 1.0), gray: float = 0.1, stats: dict = CIFAR10
) -> tuple[dict, ...]:
    """W-MSE's views of small images (arXiv:2007.06346, code), without blur; MMCR's have a scale of 0.08, gray 0.2."""
    return (
        parts.view(
            "global", count, size, parts.crop(scale), parts.colors((0.4, 0.4, 0.4, 0.1), stats, gray=gray), stats
        ),
    )


def amdim(
    size: int = 128,
    *,
    scale: tuple[float, float] = (0.3, 1.0),
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1),
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """AMDIM (arXiv:1906.00910, code): one flip for both views, then a crop, jitter and gray of each.

    In place of the crop CIFAR has `amdim_cifar`.
    """
    crop = dict(name="random_resized_crop", args=dict(scale=tuple(scale), ratio=(0.7, 1.4), method="bicubic"))
    return (parts.view("global", 2, size, (parts.SHARED_FLIP, crop), parts.colors(jitter, stats, gray=0.25), stats),)


def amdim_cifar(
    size: int = 32,
    *,
    padding: int = 4,
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.2),
    stats: dict = CIFAR10,
) -> tuple[dict, ...]:
    """AMDIM's for CIFAR: images move by up to `padding` pixels, with their border reflected (there 80 % of them)."""
    move = dict(name="pad_crop", args=dict(padding=padding, mode="reflect"))
    return (parts.view("global", 2, size, (parts.SHARED_FLIP, move), parts.colors(jitter, stats, gray=0.25), stats),)


def measured(size: int = 32, *, padding: int = 3, light: float = 0.4, stats: dict = SOLDER_JOINTS) -> tuple[dict, ...]:
    """Pictures whose target is a share or a length: shift, flip and light, and nothing that zooms or hides a part."""
    geometry = (dict(name="pad_crop", args=dict(padding=padding)), parts.FLIP)
    jitter = dict(brightness=light, contrast=light, saturation=0.0, hue=0.0)
    return (parts.view("global", 2, size, geometry, (dict(name="color_jitter", p=0.8, args=jitter),), stats),)


def _cifar(
    size: int,
    jitter: tuple,
    stats: dict,
    *,
    count: int = 2,
    blur: float = 0.0,
    solarize: tuple = (0.0, 0.0),
    scale: tuple = (0.08, 1.0),
) -> tuple[dict, ...]:
    crop, colors = parts.crop(scale, "bicubic"), parts.colors(jitter, stats)
    if blur:
        return (parts.view("global", count, size, crop, (*colors, parts.blur(size, blur)), stats),)
    return tuple(parts.view("global", 1, size, crop, (*colors, parts.solarize(p)), stats) for p in solarize)
