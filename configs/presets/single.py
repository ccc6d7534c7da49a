"""One view of an image: of methods with a task of their own, of probes, and of evaluation."""

from . import parts
from .parts import CIFAR10, FASHION_MNIST, HALF, IMAGENET


def deepcluster(size: int = 224, *, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MMSelfSup's view for DeepCluster without its turns by up to 2 degrees: strong colors, always. The paper
    (arXiv:1807.05520) has `linear_probe`, on Sobel's gradients."""
    colors = parts.colors((0.4, 0.4, 1.0, 0.5), stats, p=1.0)
    return (parts.view("global", 1, size, parts.crop((0.08, 1.0)), colors, stats),)


def pieces(
    size: int = 255, *, whole: int = 256, flip: bool = True, gray: float = 0.66, stats: dict = IMAGENET
) -> tuple[dict, ...]:
    """Pictures that are cut on the device: the short side to `whole` pixels, a square of `size` anywhere, often gray.

    VISSL's for jigsaw puzzles; for relative positions MMSelfSup has 292 pixels and no flip.
    """
    crop = (dict(name="resize", args=dict(size=whole)), dict(name="pad_crop", args=dict(padding=0)))
    colors = (dict(name="grayscale", p=gray),) if gray and len(stats["mean"]) == 3 else ()
    return (parts.view("global", 1, size, (*crop, *((parts.FLIP,) if flip else ())), colors, stats),)


def mae(size: int = 224, *, scale: tuple[float, float] = (0.2, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MAE (arXiv:2111.06377, table 8): one bicubic crop and a flip, no colors. MaskFeat's scale is (0.5, 1)."""
    return (parts.view("global", 1, size, parts.crop(scale, "bicubic"), (), stats),)


def mae_colors(size: int = 224, *, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MAE's ablation "crop + color jit" (arXiv:2111.06377, table 1e), with the strengths of MoCo v2."""
    jitter = parts.colors((0.4, 0.4, 0.4, 0.1), stats)[:1]
    return (parts.view("global", 1, size, parts.crop((0.2, 1.0), "bicubic"), jitter, stats),)


def fixed_crop(size: int = 224, *, padding: int | None = None, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MAE's ablation "crop, fixed size" (arXiv:2111.06377, table 1e): a box of the image at one scale, and a flip.

    The short side is resized to `size`, the middle is taken and padded by `padding`, an eighth of the side if None.
    """
    padding = size // 8 if padding is None else padding
    fit = (dict(name="resize", args=dict(size=size, method="bicubic")), dict(name="center_crop"))
    return (
        parts.view("global", 1, size, (*fit, dict(name="pad_crop", args=dict(padding=padding)), parts.FLIP), (), stats),
    )


def simmim(size: int = 192, *, scale: tuple[float, float] = (0.67, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """SimMIM (arXiv:2111.09886, section 4.1; code): one bilinear crop and a flip, no colors."""
    return (parts.view("global", 1, size, parts.crop(scale), (), stats),)


def crop_only(size: int = 224, *, scale: tuple[float, float] = (0.3, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """I-JEPA (arXiv:2301.08243, appendix A): one bicubic crop, no flip, no colors."""
    return (parts.view("global", 1, size, parts.crop(scale, "bicubic")[:1], (), stats),)


def data2vec(size: int = 224, *, scale: tuple[float, float] = (0.08, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """data2vec (arXiv:2202.03555, code), BEiT's colors, always: no hue and no gray; one bicubic crop and a flip."""
    colors = parts.colors((0.4, 0.4, 0.4, 0.0), stats, p=1.0)[:1]
    return (parts.view("global", 1, size, parts.crop(scale, "bicubic"), colors, stats),)


def rotation(size: int = 32, *, padding: int = 4, stats: dict = CIFAR10) -> tuple[dict, ...]:
    """RotNet's CIFAR views (arXiv:1803.07728, released code): a padded crop and a flip, both before any rotation."""
    crop = dict(name="pad_crop", args=dict(padding=padding))
    return (parts.view("global", 1, size, (crop, parts.FLIP), (), stats),)


def linear_probe(size: int = 224, *, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """Crop and flip, the usual training view of a probe or of supervised learning."""
    return (parts.view("global", 1, size, parts.crop((0.08, 1.0)), (), stats),)


def whole(size: int = 28, *, stats: dict = FASHION_MNIST) -> tuple[dict, ...]:
    """The image as it is, for methods that draw no views (PCA, k-means)."""
    geometry = (dict(name="resize", args=dict(size=size)), dict(name="center_crop"))
    return (parts.view("global", 1, size, geometry, (), stats),)


def evaluate(
    size: int = 224, *, resize: int | None = None, method: str = "bilinear", stats: dict = IMAGENET
) -> tuple[dict, ...]:
    """Nothing random: the short side to `resize`, the center, normalize. resize: size / 0.875 (256 for 224) if None."""
    short = round(size / 0.875) if resize is None else resize
    geometry = (dict(name="resize", args=dict(size=short, method=method)), dict(name="center_crop"))
    return (parts.view("clean", 1, size, geometry, (), stats),)


def cpc(size: int = 260, *, whole: int = 300, stats: dict = HALF) -> tuple[dict, ...]:
    """CPC v2 (arXiv:1905.09272, appendix): the short side to `whole` pixels, a square of `size` anywhere, flip.

    What it does to single patches, their network does (`patch_resnet`, drop_colors).
    """
    crop = (dict(name="resize", args=dict(size=whole)), dict(name="pad_crop", args=dict(padding=0)))
    return (parts.view("global", 1, size, (*crop, parts.FLIP), (), stats),)


def cpc_clean(size: int = 260, *, whole: int = 300, stats: dict = HALF) -> tuple[dict, ...]:
    """For `c.clean`: the middle of what `cpc` crops."""
    ops = (dict(name="resize", args=dict(size=whole)), dict(name="center_crop"))
    return (parts.view("clean", 1, size, ops, (), stats),)


def cmc(size: int = 224, *, scale: tuple[float, float] = (0.08, 1.0)) -> tuple[dict, ...]:
    """CMC (arXiv:1906.05849, code): crop and flip, and the colors of Lab, each in -1..1; no jitter, which both halves
    would not share.
    """
    return (parts.view("global", 1, size, parts.crop(scale), (parts.LAB,), HALF),)


def cmc_clean(size: int = 224, *, whole: int = 256) -> tuple[dict, ...]:
    """For `c.clean`: the middle, in Lab."""
    ops = (dict(name="resize", args=dict(size=whole)), dict(name="center_crop"))
    return (parts.view("clean", 1, size, ops, (parts.LAB,), HALF),)
