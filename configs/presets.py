"""Views of the published methods, as plain data for `c.views`.

Each preset returns a tuple of dicts (see ssl_jax.views.compose.views). Sizes are pixels, strengths are torchvision's.
`stats` is a mean and a std in units of 0..1; with those of one channel, what needs color (saturation, hue, grayscale)
is left out of a preset. Blur has a sigma from U(0.1, 2) pixels and about a tenth of the side as its kernel.
"""

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
    colors = (*_colors(jitter, stats, additive=additive), *((_blur(size, 0.5),) if blur else ()))
    return (_view("global", 2, size, _crop(scale), colors, stats),)


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
    jitter, *grays = _colors((0.4, 0.4, 0.4, 0.4), stats, p=1.0)
    geometry = _crop(scale)[: 2 if flip else 1]
    return (_view("global", count, size, geometry, (*(grays if gray else ()), jitter), stats),)


def deepcluster(size: int = 224, *, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MMSelfSup's view for DeepCluster without its turns by up to 2 degrees: strong colors, always. The paper
    (arXiv:1807.05520) has `linear_probe`, on Sobel's gradients."""
    colors = _colors((0.4, 0.4, 1.0, 0.5), stats, p=1.0)
    return (_view("global", 1, size, _crop((0.08, 1.0)), colors, stats),)


def moco_v2(size: int = 224, *, count: int = 2, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MoCo v2 (arXiv:2003.04297, section 3), SimSiam (arXiv:2011.10566, section 3), PCL v2; FastSiam: 4."""
    colors = (*_colors((0.4, 0.4, 0.4, 0.1), stats), _blur(size, 0.5))
    return (_view("global", count, size, _crop((0.2, 1.0)), colors, stats),)


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
    strong = (*_colors(jitter, stats), _blur(size, 0.5))
    return tuple(_view("global", 1, size, _crop(scale), colors, stats) for colors in (strong, ()))


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
    colors = _colors((0.4, 0.4, 0.4, 0.2), stats, p=1.0)
    crop, flip, pieces = _pieces(patch, picture)
    whole = _view("global", 1, size, _crop(scale), colors, stats)
    return (whole, _view("patches", 9, patch, (crop, pieces, flip), colors, stats))


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
    plain = (dict(name="resize", args=dict(size=resize)), dict(name="center_crop"), _FLIP)
    colors = _colors((0.4, 0.4, 0.4, 0.1), stats)
    views = [
        _view("global", 1, size, plain, (), stats),
        _view("local", local, local_size, _crop(local_scale), (*colors, _blur(local_size, 0.5)), stats),
        _view("patches", patches, patch, _pieces(patch, picture, patch_jitter), colors, stats),
    ]
    return tuple(view for view in views if view["count"])


def pieces(
    size: int = 255, *, whole: int = 256, flip: bool = True, gray: float = 0.66, stats: dict = IMAGENET
) -> tuple[dict, ...]:
    """Pictures that are cut on the device: the short side to `whole` pixels, a square of `size` anywhere, often gray.

    VISSL's for jigsaw puzzles; for relative positions MMSelfSup has 292 pixels and no flip.
    """
    crop = (dict(name="resize", args=dict(size=whole)), dict(name="pad_crop", args=dict(padding=0)))
    colors = (dict(name="grayscale", p=gray),) if gray and len(stats["mean"]) == 3 else ()
    return (_view("global", 1, size, (*crop, *((_FLIP,) if flip else ())), colors, stats),)


def rank_n_contrast(size: int = 224, *, stats: dict = HALF) -> tuple[dict, ...]:
    """Rank-N-Contrast (arXiv:2210.01189, released code): MoCo v2's without the blur."""
    return (_view("global", 2, size, _crop((0.2, 1.0)), _colors((0.4, 0.4, 0.4, 0.1), stats), stats),)


def byol(size: int = 224, *, scale: tuple[float, float] = (0.08, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """BYOL (arXiv:2006.07733, appendix B, table 6); Barlow Twins, MoCo v3 and VICReg's code take the same.

    One view is always blurred and never solarized, the other seldom blurred and sometimes solarized.
    """
    crop, colors = _crop(scale, "bicubic"), _colors((0.4, 0.4, 0.2, 0.1), stats)
    first = (*colors, _blur(size, 1.0), _solarize(0.0))
    second = (*colors, _blur(size, 0.1), _solarize(0.2))
    return tuple(_view("global", 1, size, crop, each, stats) for each in (first, second))


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
        colors = (*_colors((0.8, 0.8, 0.8, 0.2), stats), _blur(side, 0.5))
        return _view(group, count, side, _crop(area), colors, stats)

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
    colors = _colors((0.4, 0.4, 0.2, 0.1), stats)

    def view(group, count, side, area, *more):
        return _view(group, count, side, _crop(area, "bicubic"), (*colors, *more), stats)

    first = view("global", 1, size, scale, _blur(size, 1.0), _solarize(0.0))
    second = view("global", 1, size, scale, _blur(size, 0.1), _solarize(0.2))
    small = (view("local", local, local_size, local_scale, _blur(local_size, 0.5)),) if local else ()
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
        colors = (*_colors((0.4, 0.4, 0.2, 0.1), stats), _blur(side, 0.5), _solarize(0.2))
        return _view(group, count, side, _crop(area), colors, stats)

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
        colors = (*_colors((0.4, 0.4, 0.4, 0.1), stats), _blur(side, 0.5))
        return _view(group, count, side, _crop(area), colors, stats)

    small = (view("local", focal, focal_size, focal_scale),) if focal else ()
    return (view("global", 2, size, scale), *small)


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
    return (_view("global", 1, size, _crop(scale, "bicubic")[:1], (), stats), text)


def clip_clean(size: int = 224, *, tokens: int = 77, vocabulary: int = 49408, stats: dict = CLIP) -> tuple[dict, ...]:
    """For `c.clean`: whole images, their middle where they are no squares, and the first alternative of the caption."""
    middle = (dict(name="resize", args=dict(size=size, method="bicubic")), dict(name="center_crop"))
    text = (dict(name="tokenize", args=dict(vocabulary=vocabulary)),)
    return (
        dict(group="clean", count=1, size=size, ops=(*middle, dict(name="normalize", args=stats))),
        dict(group="clean_text", count=1, size=tokens, of="text", ops=text),
    )


def infomin(size: int = 224, *, patch: int = 64, picture: int = 255, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """InfoMin's augmentation (arXiv:2005.10243, section 5; PyContrast), and a jigsaw without colors.

    Of RandAugment only the color operations are here, at one magnitude and not one drawn around 10.
    """
    jitter, *gray = _colors((0.8, 0.8, 0.8, 0.2), stats)
    rand_augment = dict(name="rand_augment_color", args=dict(count=2, magnitude=10))
    colors = (jitter, _blur(size, 0.5), rand_augment, *gray)
    whole = _view("global", 2, size, _crop((0.2, 1.0)), colors, stats)
    return (whole, _view("patches", 9, patch, _pieces(patch, picture), (), stats))


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
    colors = (*_colors((0.4, 0.4, 0.2, 0.1), stats), _blur(size, 0.5), _solarize(0.1))
    return (_view("global", 2, size, _crop((0.2, 1.0), "bicubic"), colors, stats),)


def small(
    size: int = 32, *, count: int = 2, scale: tuple[float, float] = (0.2, 1.0), gray: float = 0.1, stats: dict = CIFAR10
) -> tuple[dict, ...]:
    """W-MSE's views of small images (arXiv:2007.06346, code), without blur; MMCR's have a scale of 0.08, gray 0.2."""
    return (_view("global", count, size, _crop(scale), _colors((0.4, 0.4, 0.4, 0.1), stats, gray=gray), stats),)


def mae(size: int = 224, *, scale: tuple[float, float] = (0.2, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MAE (arXiv:2111.06377, table 8): one bicubic crop and a flip, no colors. MaskFeat's scale is (0.5, 1)."""
    return (_view("global", 1, size, _crop(scale, "bicubic"), (), stats),)


def mae_colors(size: int = 224, *, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MAE's ablation "crop + color jit" (arXiv:2111.06377, table 1e), with the strengths of MoCo v2."""
    jitter = _colors((0.4, 0.4, 0.4, 0.1), stats)[:1]
    return (_view("global", 1, size, _crop((0.2, 1.0), "bicubic"), jitter, stats),)


def fixed_crop(size: int = 224, *, padding: int | None = None, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """MAE's ablation "crop, fixed size" (arXiv:2111.06377, table 1e): a box of the image at one scale, and a flip.

    The short side is resized to `size`, the middle is taken and padded by `padding`, an eighth of the side if None.
    """
    padding = size // 8 if padding is None else padding
    fit = (dict(name="resize", args=dict(size=size, method="bicubic")), dict(name="center_crop"))
    return (_view("global", 1, size, (*fit, dict(name="pad_crop", args=dict(padding=padding)), _FLIP), (), stats),)


def simmim(size: int = 192, *, scale: tuple[float, float] = (0.67, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """SimMIM (arXiv:2111.09886, section 4.1; code): one bilinear crop and a flip, no colors."""
    return (_view("global", 1, size, _crop(scale), (), stats),)


def crop_only(size: int = 224, *, scale: tuple[float, float] = (0.3, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """I-JEPA (arXiv:2301.08243, appendix A): one bicubic crop, no flip, no colors."""
    return (_view("global", 1, size, _crop(scale, "bicubic")[:1], (), stats),)


def data2vec(size: int = 224, *, scale: tuple[float, float] = (0.08, 1.0), stats: dict = IMAGENET) -> tuple[dict, ...]:
    """data2vec (arXiv:2202.03555, code), BEiT's colors, always: no hue and no gray; one bicubic crop and a flip."""
    colors = _colors((0.4, 0.4, 0.4, 0.0), stats, p=1.0)[:1]
    return (_view("global", 1, size, _crop(scale, "bicubic"), colors, stats),)


def rotation(size: int = 32, *, padding: int = 4, stats: dict = CIFAR10) -> tuple[dict, ...]:
    """RotNet's CIFAR views (arXiv:1803.07728, released code): a padded crop and a flip, both before any rotation."""
    crop = dict(name="pad_crop", args=dict(padding=padding))
    return (_view("global", 1, size, (crop, _FLIP), (), stats),)


def linear_probe(size: int = 224, *, stats: dict = IMAGENET) -> tuple[dict, ...]:
    """Crop and flip, the usual training view of a probe or of supervised learning."""
    return (_view("global", 1, size, _crop((0.08, 1.0)), (), stats),)


def whole(size: int = 28, *, stats: dict = FASHION_MNIST) -> tuple[dict, ...]:
    """The image as it is, for methods that draw no views (PCA, k-means)."""
    geometry = (dict(name="resize", args=dict(size=size)), dict(name="center_crop"))
    return (_view("global", 1, size, geometry, (), stats),)


def evaluate(
    size: int = 224, *, resize: int | None = None, method: str = "bilinear", stats: dict = IMAGENET
) -> tuple[dict, ...]:
    """Nothing random: the short side to `resize`, the center, normalize. resize: size / 0.875 (256 for 224) if None."""
    short = round(size / 0.875) if resize is None else resize
    geometry = (dict(name="resize", args=dict(size=short, method=method)), dict(name="center_crop"))
    return (_view("clean", 1, size, geometry, (), stats),)


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
    geometry = (take, *_crop(scale)[: 2 if flip else 1])
    return (_view("global", clips, size, geometry, _colors(jitter, stats), stats, of="clip"),)


def evaluate_clips(
    size: tuple[int, int] = (8, 224), *, stride: int = 8, resize: int | None = None, stats: dict = KINETICS
) -> tuple[dict, ...]:
    """The clip in the middle of the video, its short side to `resize` (256 for 224 if None), the center, normalized."""
    short = round(size[1] * 8 / 7) if resize is None else resize
    geometry = (dict(name="clip", args=dict(stride=stride, place="center")), dict(name="resize", args=dict(size=short)))
    return (_view("clean", 1, size, (*geometry, dict(name="center_crop")), (), stats, of="clip"),)


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


def measured(size: int = 32, *, padding: int = 3, light: float = 0.4, stats: dict = SOLDER_JOINTS) -> tuple[dict, ...]:
    """Pictures whose target is a share or a length: shift, flip and light, and nothing that zooms or hides a part."""
    geometry = (dict(name="pad_crop", args=dict(padding=padding)), _FLIP)
    jitter = dict(brightness=light, contrast=light, saturation=0.0, hue=0.0)
    return (_view("global", 2, size, geometry, (dict(name="color_jitter", p=0.8, args=jitter),), stats),)


def cpc(size: int = 260, *, whole: int = 300, stats: dict = HALF) -> tuple[dict, ...]:
    """CPC v2 (arXiv:1905.09272, appendix): the short side to `whole` pixels, a square of `size` anywhere, flip.

    What it does to single patches, their network does (`patch_resnet`, drop_colors).
    """
    crop = (dict(name="resize", args=dict(size=whole)), dict(name="pad_crop", args=dict(padding=0)))
    return (_view("global", 1, size, (*crop, _FLIP), (), stats),)


def cpc_clean(size: int = 260, *, whole: int = 300, stats: dict = HALF) -> tuple[dict, ...]:
    """For `c.clean`: the middle of what `cpc` crops."""
    ops = (dict(name="resize", args=dict(size=whole)), dict(name="center_crop"))
    return (_view("clean", 1, size, ops, (), stats),)


def cmc(size: int = 224, *, scale: tuple[float, float] = (0.08, 1.0)) -> tuple[dict, ...]:
    """CMC (arXiv:1906.05849, code): crop and flip, and the colors of Lab, each in -1..1; no jitter, which both halves
    would not share.
    """
    return (_view("global", 1, size, _crop(scale), (_LAB,), HALF),)


def cmc_clean(size: int = 224, *, whole: int = 256) -> tuple[dict, ...]:
    """For `c.clean`: the middle, in Lab."""
    ops = (dict(name="resize", args=dict(size=whole)), dict(name="center_crop"))
    return (_view("clean", 1, size, ops, (_LAB,), HALF),)


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
    return (_view("global", 2, size, (_SHARED_FLIP, crop), _colors(jitter, stats, gray=0.25), stats),)


def amdim_cifar(
    size: int = 32,
    *,
    padding: int = 4,
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.2),
    stats: dict = CIFAR10,
) -> tuple[dict, ...]:
    """AMDIM's for CIFAR: images move by up to `padding` pixels, with their border reflected (there 80 % of them)."""
    move = dict(name="pad_crop", args=dict(padding=padding, mode="reflect"))
    return (_view("global", 2, size, (_SHARED_FLIP, move), _colors(jitter, stats, gray=0.25), stats),)


_FLIP = dict(name="flip", p=0.5)
_SHARED_FLIP = dict(name="flip", p=0.5, args=dict(shared=True))
_LAB = dict(name="lab")


def _view(group: str, count: int, size, geometry: tuple, colors: tuple, stats: dict, **more) -> dict:
    ops = (*geometry, *colors, dict(name="normalize", args=dict(stats)))
    return dict(group=group, count=count, size=size, ops=ops, **more)


def _crop(scale: tuple[float, float], method: str = "bilinear") -> tuple[dict, ...]:
    return (dict(name="random_resized_crop", args=dict(scale=tuple(scale), method=method)), _FLIP)


def _pieces(patch: int, picture: int, jitter: int | None = None) -> tuple[dict, ...]:
    """Of a crop of 0.6 of the image or more, flipped or not. jitter: None for all that a third of the side leaves."""
    jitter = picture // 3 - patch if jitter is None else jitter
    crop = dict(name="random_resized_crop", args=dict(scale=(0.6, 1.0), size=picture))
    return (crop, _FLIP, dict(name="jigsaw", args=dict(grid=3, jitter=jitter)))


def _colors(
    jitter: tuple, stats: dict, *, p: float = 0.8, gray: float = 0.2, additive: bool = False
) -> tuple[dict, ...]:
    """Jitter (brightness, contrast, saturation, hue) and gray; of what is no color the first two."""
    args = dict(zip(("brightness", "contrast", "saturation", "hue"), jitter, strict=True), additive=additive)
    if len(stats["mean"]) != 3:
        return (dict(name="color_jitter", p=p, args=args | dict(saturation=0.0, hue=0.0)),)
    return (dict(name="color_jitter", p=p, args=args), dict(name="grayscale", p=gray))


def _blur(size: int, p: float) -> dict:
    return dict(name="gaussian_blur", p=p, args=dict(kernel_size=2 * (size // 20) + 1, sigma=(0.1, 2.0)))


def _solarize(p: float) -> dict:
    return dict(name="solarize", p=p, args=dict(threshold=0.5))


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
    crop, colors = _crop(scale, "bicubic"), _colors(jitter, stats)
    if blur:
        return (_view("global", count, size, crop, (*colors, _blur(size, blur)), stats),)
    return tuple(_view("global", 1, size, crop, (*colors, _solarize(p)), stats) for p in solarize)
