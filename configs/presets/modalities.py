"""Views of clips, texts, points and series."""

from . import parts
from .parts import CLIP, KINETICS


def clip(
    size: int = 224,
    *,
    tokens: int = 77,
    vocabulary: int = 49408,
    scale: tuple[float, float] = (0.9, 1.0),
    stats: dict = CLIP,
) -> tuple[dict, ...]:
    """CLIP (arXiv:2103.00020, section 2.3): a random square crop, bicubic, and one of the alternatives of the caption.

    scale: open_clip's; the paper resizes the shorter side and crops a square of that size.
    """
    caption = (dict(name="random_line"), dict(name="tokenize", args=dict(vocabulary=vocabulary)))
    text = dict(group="text", count=1, size=tokens, of="text", ops=caption)
    return (parts.view("global", 1, size, parts.crop(scale, "bicubic")[:1], (), stats), text)


def clip_clean(size: int = 224, *, tokens: int = 77, vocabulary: int = 49408, stats: dict = CLIP) -> tuple[dict, ...]:
    """For `c.clean`: whole images, their middle where they are no squares, and the first alternative of the caption."""
    middle = (dict(name="resize", args=dict(size=size, method="bicubic")), dict(name="center_crop"))
    text = (dict(name="tokenize", args=dict(vocabulary=vocabulary)),)
    return (
        dict(group="clean", count=1, size=size, ops=(*middle, dict(name="normalize", args=stats))),
        dict(group="clean_text", count=1, size=tokens, of="text", ops=text),
    )


def rho(
    size: tuple[int, int] = (8, 224),
    *,
    clips: int = 2,
    stride: int = 8,
    scale: tuple[float, float] = (0.2, 0.766),
    jitter: tuple[float, float, float, float] = (0.6, 0.6, 0.6, 0.15),
    flip: bool = True,
    together: bool = False,
    short_side: int = 0,
    stats: dict = KINETICS,
) -> tuple[dict, ...]:
    """rho clips of each video (arXiv:2104.14558, section 4; PySlowFast's recipes): anywhere in it, one draw a clip.

    size: (frames, pixels). together: all clips begin at one frame, which is what rho = 1 means: two augmentations of
    one clip. flip: left and right, which no label may depend on. short_side: frames are shrunk to it first.
    """
    take = dict(name="clip", args=dict(stride=stride, together=together, short_side=short_side))
    geometry = (take, *parts.crop(scale)[: 2 if flip else 1])
    return (parts.view("global", clips, size, geometry, parts.colors(jitter, stats), stats, of="clip"),)


def evaluate_clips(
    size: tuple[int, int] = (8, 224), *, stride: int = 8, resize: int | None = None, stats: dict = KINETICS
) -> tuple[dict, ...]:
    """The clip in the middle of the video, its short side to `resize` (256 for 224 if None), the center, normalized."""
    short = round(size[1] * 8 / 7) if resize is None else resize
    geometry = (dict(name="clip", args=dict(stride=stride, place="center")), dict(name="resize", args=dict(size=short)))
    return (parts.view("clean", 1, size, (*geometry, dict(name="center_crop")), (), stats, of="clip"),)


def points(size: int = 1024, *, factors: tuple[float, float] = (2 / 3, 3 / 2), offset: float = 0.2) -> tuple[dict, ...]:
    """Point-MAE (arXiv:2203.06604, code): other points each time, in the unit sphere, stretched and shifted."""
    augment = dict(name="stretch", args=dict(factors=factors)), dict(name="shift", args=dict(offset=offset))
    ops = (dict(name="sample"), dict(name="unit_sphere"), *augment)
    return (dict(group="global", count=1, size=size, ops=ops, of="points"),)


def evaluate_points(size: int = 1024) -> tuple[dict, ...]:
    """The same points each time, in the unit sphere."""
    ops = (dict(name="sample", args=dict(fixed=True)), dict(name="unit_sphere"))
    return (dict(group="clean", count=1, size=size, ops=ops, of="points"),)


def series(
    size: int = 500,
    *,
    count: int = 2,
    noise: float = 0.05,
    scaling: float = 0.1,
    hidden: float = 0.1,
    standardize: bool = True,
) -> tuple[dict, ...]:
    """Windows of a series of sensors that keep what is counted in time: shift, noise, scaling, cutout, in this order.

    size: readings. noise, scaling: standard deviations, of what `standardize` leaves and of the factor's logarithm.
    hidden: the largest share that is cut out. standardize: each window by its own mean and deviation.
    """
    colors = (
        *((dict(name="standardize"),) if standardize else ()),
        dict(name="add_noise", args=dict(amount=noise)),
        dict(name="rescale", args=dict(amount=scaling)),
        dict(name="cutout", p=0.5, args=dict(share=hidden)),
    )
    return (dict(group="global", count=count, size=size, of="series", ops=(dict(name="window"), *colors)),)


def evaluate_series(size: int = 500, *, standardize: bool = True) -> tuple[dict, ...]:
    """For `c.clean`: the window in the middle of the series."""
    ops = (dict(name="window", args=dict(place="center")), *((dict(name="standardize"),) if standardize else ()))
    return (dict(group="clean", count=1, size=size, of="series", ops=ops),)
