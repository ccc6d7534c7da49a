"""Supervised classification: the reference of all others, and with `start.encoder` the fine-tuning of any of them."""

import functools

from ssl_jax.checks import ranges
from ssl_jax.paradigms.supervised import supervised
from ssl_jax.tasks import mixing
from ssl_jax.types import Card, Method, Net

CARD = Card("Supervised classification", "supervised", 1989, needs=("image", "label"))


def supervised_classification(
    encoder: Net, classifier: Net, *, smoothing: float = 0.0, mixup: float = 0.0, cutmix: float = 0.0
) -> Method:
    """classifier: as many outputs as classes. smoothing: of the targets. mixup, cutmix: alphas, see `tasks/mixing.py`;
    MAE fine-tunes with 0.1, 0.8 and 1 (arXiv:2111.06377, table 9)."""
    ranges.share(smoothing=smoothing)
    ranges.below_one(smoothing=smoothing)
    ranges.zero_or_more(mixup=mixup, cutmix=cutmix)
    mix = functools.partial(mixing.mixed, mixup=mixup, cutmix=cutmix)
    return supervised(encoder, classifier, mix=mix, smoothing=smoothing)
