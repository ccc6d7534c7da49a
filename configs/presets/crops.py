"""Views of several sizes: small crops beside whole ones, or the pieces of a puzzle."""

from . import parts
from .parts import IMAGENET


def pirl(
    size: int = 224,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    patch: int = 64,
    picture: int = 255,
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """PIRL (arXiv:1912.01991, appendix; VISSL): an image, and nine pieces of another crop, each with its own colors.

    Jitter and gray; the posterizing, sharpening, solarizing and contrast that VISSL adds at random are left out.
    """
    colors = parts.colors((0.4, 0.4, 0.4, 0.2), stats, p=1.0)
    crop, flip, pieces = parts.jigsaw(patch, picture)
    whole = parts.view("global", 1, size, parts.crop(scale), colors, stats)
    return (whole, parts.view("patches", 9, patch, (crop, pieces, flip), colors, stats))


def obow(
    size: int = 224,
    *,
    resize: int = 256,
    local: int = 2,
    local_size: int = 160,
    local_scale: tuple[float, float] = (0.08, 0.6),
    patches: int = 5,
    patch: int = 96,
    picture: int = 256,
    patch_jitter: int = 24,
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """oBoW (arXiv:2012.11552, code): a plain view for the teacher; crops, and patches that overlap, for the student.

    A patch has its own colors, which in the code all patches of an image share. patches: of nine. The vanilla version
    has one crop and no patches.
    """
    plain = (dict(name="resize", args=dict(size=resize)), dict(name="center_crop"), parts.FLIP)
    colors = parts.colors((0.4, 0.4, 0.4, 0.1), stats)
    views = [
        parts.view("global", 1, size, plain, (), stats),
        parts.view("local", local, local_size, parts.crop(local_scale), (*colors, parts.blur(local_size, 0.5)), stats),
        parts.view("patches", patches, patch, parts.jigsaw(patch, picture, patch_jitter), colors, stats),
    ]
    return tuple(view for view in views if view["count"])


def infomin(size: int = 224, *, patch: int = 64, picture: int = 255, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """InfoMin's augmentation (arXiv:2005.10243, section 5; PyContrast), and a jigsaw without colors.

    Of RandAugment only the color operations are here, at one magnitude and not one drawn around 10.
    """
    jitter, *gray = parts.colors((0.8, 0.8, 0.8, 0.2), stats)
    rand_augment = dict(name="rand_augment_color", args=dict(count=2, magnitude=10))
    colors = (jitter, parts.blur(size, 0.5), rand_augment, *gray)
    whole = parts.view("global", 2, size, parts.crop((0.2, 1.0)), colors, stats)
    return (whole, parts.view("patches", 9, patch, parts.jigsaw(patch, picture), (), stats))


def swav(
    size: int = 224,
    *,
    scale: tuple[float, float] = (0.14, 1.0),
    local: int = 6,
    local_size: int = 96,
    local_scale: tuple[float, float] = (0.05, 0.14),
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """SwAV (arXiv:2006.09882, section 4 and the released arguments): two large crops and six small ones.

    Without small crops (local=0) the scale was (0.08, 1). DeepCluster-v2 also ran 2 x 160 and 4 x 96.
    """

    def view(group, count, side, area):
        colors = (*parts.colors((0.8, 0.8, 0.8, 0.2), stats), parts.blur(side, 0.5))
        return parts.view(group, count, side, parts.crop(area), colors, stats)

    small = (view("local", local, local_size, local_scale),) if local else ()
    return (view("global", 2, size, scale), *small)


def dino(
    size: int = 224,
    *,
    scale: tuple[float, float] = (0.4, 1.0),
    local: int = 8,
    local_size: int = 96,
    local_scale: tuple[float, float] = (0.05, 0.4),
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """DINO (arXiv:2104.14294, section 3 and the released code): BYOL's colors on two large crops, and eight small.

    Runs with fewer or other crops move the border of the two scales, here at 0.4.
    """
    colors = parts.colors((0.4, 0.4, 0.2, 0.1), stats)

    def view(group, count, side, area, *more):
        return parts.view(group, count, side, parts.crop(area, "bicubic"), (*colors, *more), stats)

    first = view("global", 1, size, scale, parts.blur(size, 1.0), parts.solarize(0.0))
    second = view("global", 1, size, scale, parts.blur(size, 0.1), parts.solarize(0.2))
    small = (view("local", local, local_size, local_scale, parts.blur(local_size, 0.5)),) if local else ()
    return (first, second, *small)


def lejepa(
    size: int = 224,
    *,
    scale: tuple[float, float] = (0.3, 1.0),
    local: int = 6,
    local_size: int = 96,
    local_scale: tuple[float, float] = (0.05, 0.3),
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """LeJEPA (arXiv:2511.08544, README): one set of colors for two large crops and six small ones (98 pixels there)."""

    def view(group, count, side, area):
        colors = (*parts.colors((0.4, 0.4, 0.2, 0.1), stats), parts.blur(side, 0.5), parts.solarize(0.2))
        return parts.view(group, count, side, parts.crop(area), colors, stats)

    small = (view("local", local, local_size, local_scale),) if local else ()
    return (view("global", 2, size, scale), *small)


def msn(
    size: int = 224,
    *,
    scale: tuple[float, float] = (0.3, 1.0),
    focal: int = 10,
    focal_size: int = 96,
    focal_scale: tuple[float, float] = (0.05, 0.3),
    stats: dict = IMAGENET,
) -> tuple[dict, ...]:
    """MSN (arXiv:2204.07141, code): SimCLR's colors at half strength; two large crops, the last of which is the
    teacher's, and small, "focal" ones.
    """

    def view(group, count, side, area):
        colors = (*parts.colors((0.4, 0.4, 0.4, 0.1), stats), parts.blur(side, 0.5))
        return parts.view(group, count, side, parts.crop(area), colors, stats)

    small = (view("local", focal, focal_size, focal_scale),) if focal else ()
    return (view("global", 2, size, scale), *small)
