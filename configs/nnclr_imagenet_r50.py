"""NNCLR, ResNet-50, ImageNet, 1000 epochs.

    ssl-jax train --config=nnclr_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 75.4 % linear top-1 (arXiv:2104.14548), 75.6 % with small crops beside.
Batch, LARS, rate, decay, warm-up, heads, queue and temperature: the paper's. Views: BYOL's.
The authors have published no code; biases of the linear layers and one pass for each view as in solo-learn's.
Differs: bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """The paper does not say on what."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "1000 epochs"
    c.method = dict(name="nnclr", queue=98304, temperature=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="mlp", widths=(2048, 2048, 256), last_norm="affine", dtype="bfloat16"),
        predictor=dict(name="mlp", widths=(4096, 256), dtype="bfloat16"),
    )
    c.views = presets.byol(224)
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=0.3, per=256, warmup="10 epochs")
    return c
