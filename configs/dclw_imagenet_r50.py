"""DCLW, ResNet-50, ImageNet, 100 epochs.

    ssl-jax train --config=dclw_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Origin: lightly's ImageNet benchmark, 64.5 % linear top-1: batch 256, LARS at 0.075 sqrt(batch), decay 1e-6, warm-up of
10 epochs, cosine, SimCLR's head and views, temperature 0.1, sigma 0.5.
Paper: 68.2 % for DCL and 200 epochs at the same batch (arXiv:2110.06848, abstract).
Differs: one sum over the negatives of both views, as in the paper's eq. 5, where lightly adds up two logarithms;
bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """2 GPUs at lightly."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "100 epochs"
    c.method = dict(name="dclw", temperature=0.1, sigma=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="simclr_projector", widths=(2048, 128), dtype="bfloat16"),
    )
    c.views = presets.simclr(224)
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=0.075, per=1, rule="sqrt", warmup="10 epochs")
    return c
