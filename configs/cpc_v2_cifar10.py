"""CPC v2 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=cpc_v2_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10; patches of 10 pixels, 5 from one to the next, are the 5 x 5 of crops of 30 that
a public code for it has, and overlap about as much as the paper's 80 and 36.
Changed: 10,000 images, 16 epochs of one view; a ResNet of two blocks and half the patches with one color; a smaller
context, two of the four directions, two and three rows ahead; AdamW at 2e-3.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 128 images, 3,200 patches."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "16 epochs"
    c.method = dict(name="cpc_v2", offsets=(2, 3), directions=("down", "right"))
    c.nets = dict(
        encoder=dict(
            name="patch_resnet",
            patch=10,
            stride=5,
            drop_colors=0.5,
            depth=(1, 1),
            base=64,
            stem="half",
            zero_init=False,
        ),
        projector=dict(name="linear", out=64),
        context=dict(name="masked_context", layers=3, hidden=64),
        predictor=dict(name="linear", out=64),
    )
    c.views = presets.cpc(30, whole=32, stats=presets.CIFAR10)
    c.clean = presets.cpc_clean(30, whole=32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", b1=0.8, weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=2e-3, warmup="1 epoch")
    return c
