"""Views of the published methods, as plain data for `c.views`.

Each preset returns a tuple of dicts (see ssl_jax.views.compose.views). Sizes are pixels, strengths are torchvision's.
`stats` is a mean and a std in units of 0..1; with those of one channel, what needs color (saturation, hue, grayscale)
is left out of a preset. Blur has a sigma from U(0.1, 2) pixels and about a tenth of the side as its kernel.
"""

# ruff: noqa: F401

from .crops import dino, infomin, lejepa, msn, obow, pirl, swav
from .modalities import clip, clip_clean, evaluate_clips, evaluate_points, evaluate_series, points, rho, series
from .pairs import (
    amdim,
    amdim_cifar,
    byol,
    cifar_asymmetric,
    cifar_symmetric,
    cifar_symmetric_weak,
    cifar_vicreg,
    measured,
    moco_v1,
    moco_v2,
    rank_n_contrast,
    ressl,
    simclr,
    small,
    solo_vicreg,
)
from .parts import CIFAR10, CIFAR100, CLIP, FASHION_MNIST, HALF, IMAGENET, KINETICS, MOVING_FASHION_MNIST, SOLDER_JOINTS
from .single import (
    cmc,
    cmc_clean,
    cpc,
    cpc_clean,
    crop_only,
    data2vec,
    deepcluster,
    evaluate,
    fixed_crop,
    linear_probe,
    mae,
    mae_colors,
    pieces,
    rotation,
    simmim,
    whole,
)
