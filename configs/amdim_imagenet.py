"""AMDIM, its own network of width 192, ImageNet at 128 pixels, 50 epochs.

    ssl-jax train --config=amdim_imagenet --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Official code: 62 % with a linear classifier that learns beside the network; the paper's 68.1 (arXiv:1906.00910, table
1) is of a width of 320, embeddings of 2560, ten layers a stage, Fast AutoAugment and a longer training.
Network, views, Adam, rate and its falls, batch and length: the official code and its README. For the paper's
model: --config.nets.encoder.base=320 --config.nets.encoder.out=2560 --config.nets.encoder.depth=10.
Differs: the warm-up rises from 0 over 500 steps; decay is decoupled from the gradient; bfloat16 in place of float16.
`groups=4` is the batch norm of 4 GPUs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """4 V100 in the README."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 480
    c.duration = "50 epochs"
    c.method = dict(name="amdim", clip=20.0, penalty=0.05)
    c.nets = dict(
        encoder=dict(name="unpadded_resnet", size=128, base=192, depth=8, out=1536, groups=4, dtype="bfloat16"),
    )
    c.views = presets.amdim()
    c.optimizer = dict(name="adamw", b1=0.8, b2=0.999, eps=1e-8, weight_decay=1e-5, decay_1d=True)
    c.lr = dict(kind="steps", peak=2e-4, warmup="500 steps", at=("30 epochs", "45 epochs"), factor=0.2)
    return c
