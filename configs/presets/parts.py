"""What presets are made of: statistics of data, and operations that many have in common."""

IMAGENET = dict(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
CIFAR10 = dict(mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616))
CIFAR100 = dict(mean=(0.5071, 0.4865, 0.4409), std=(0.2673, 0.2564, 0.2762))
FASHION_MNIST = dict(mean=(0.2860,), std=(0.3530,))
MOVING_FASHION_MNIST = dict(mean=(0.0973,), std=(0.2466,))
"""The images' own on a canvas of 48 pixels, of which they cover 34 %."""
SOLDER_JOINTS = dict(mean=(0.34,), std=(0.26,))
HALF = dict(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
KINETICS = dict(mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225))
"""PySlowFast's, for all videos."""
CLIP = dict(mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711))

FLIP = dict(name="flip", p=0.5)
SHARED_FLIP = dict(name="flip", p=0.5, args=dict(shared=True))
LAB = dict(name="lab")


def view(group: str, count: int, size, geometry: tuple, colors: tuple, stats: dict, **more) -> dict:
    """Geometry, colors and normalization as a view of a group."""
    ops = (*geometry, *colors, dict(name="normalize", args=dict(stats)))
    return dict(group=group, count=count, size=size, ops=ops, **more)


def crop(scale: tuple[float, float], method: str = "bilinear") -> tuple[dict, ...]:
    """A crop of a share of the image from `scale`, and a flip."""
    return (dict(name="random_resized_crop", args=dict(scale=tuple(scale), method=method)), FLIP)


def jigsaw(patch: int, picture: int, jitter: int | None = None) -> tuple[dict, ...]:
    """Of a crop of 0.6 of the image or more, flipped or not. jitter: None for all that a third of the side leaves."""
    jitter = picture // 3 - patch if jitter is None else jitter
    crop = dict(name="random_resized_crop", args=dict(scale=(0.6, 1.0), size=picture))
    return (crop, FLIP, dict(name="jigsaw", args=dict(grid=3, jitter=jitter)))


def colors(
    jitter: tuple, stats: dict, *, p: float = 0.8, gray: float = 0.2, additive: bool = False
) -> tuple[dict, ...]:
    """Jitter (brightness, contrast, saturation, hue) and gray; of what is no color the first two."""
    args = dict(zip(("brightness", "contrast", "saturation", "hue"), jitter, strict=True), additive=additive)
    if len(stats["mean"]) != 3:
        return (dict(name="color_jitter", p=p, args=args | dict(saturation=0.0, hue=0.0)),)
    return (dict(name="color_jitter", p=p, args=args), dict(name="grayscale", p=gray))


def blur(size: int, p: float) -> dict:
    """A kernel of about a tenth of the side, an odd number of pixels."""
    return dict(name="gaussian_blur", p=p, args=dict(kernel_size=2 * (size // 20) + 1, sigma=(0.1, 2.0)))


def solarize(p: float) -> dict:
    """Of what is brighter than a half."""
    return dict(name="solarize", p=p, args=dict(threshold=0.5))
