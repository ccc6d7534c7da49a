"""Barlow Twins, ResNet-50, ImageNet, 1000 epochs.

    ssl-jax train --config=barlow_twins_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 73.2 % linear top-1 (arXiv:2103.03230, table 1); the code's README has 73.5 %.
Batch, LARS, rates, decay, warm-up, heads: section 2.2 and the code's defaults. Augmentation: section 2.2, BYOL's.
Paper and code: the published rate of biases and norms is 0.0048 per 256. The code sums the correlation over its GPUs
where no gradient sees it, so that its gradient is the true one over the number of GPUs, 32 in the paper. LARS does not
see such a factor, but biases and norms, which it leaves alone, do: with the true gradient their rate is 0.0048 / 32.
Differs: that rate; bfloat16 in the networks (float16 there), the correlation in float32.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

GPUS = 32


def get_config() -> ConfigDict:
    """32 GPUs, 124 hours in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "1000 epochs"
    c.method = dict(name="barlow_twins", off_diagonal=0.0051)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="barlow_projector", widths=(8192, 8192, 8192), dtype="bfloat16"),
    )
    c.views = presets.byol(224)
    c.lr = dict(kind="cosine", peak=0.2, per=256, end_factor=0.001, warmup="10 epochs")
    vectors = dict(match="", vectors=True, lr={**c.lr.to_dict(), "peak": 0.0048 / GPUS})
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6, groups=(vectors,))
    return c
