"""SimMIM with a vision transformer on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=simmim_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Units, ratio, loss, head and crops: the paper's (arXiv:2111.09886),
`simmim_imagenet_vitb16` here.
Changed: an encoder of 3 layers of 96 with patches of 4 pixels and fixed positions, mask units of 8 pixels, of which 10
of 16 are hidden; AdamW at 1e-3 for a batch of 128, 10,000 images, 10 epochs. The frozen features of so small a run are
weak; watch the loss, an absolute error in deviations of a channel.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="simmim", patch=4, mask_unit=8, mask_ratio=0.6)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), pool="mean", mask_token=True, mask_std=0.02),
        decoder=dict(name="linear", out=3 * 4 * 4),
    )
    c.views = presets.simmim(32, stats=presets.CIFAR10)
    fixed = dict(match="cls_token|mask_token", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=5.0, groups=(fixed,))
    c.lr = dict(kind="cosine", peak=1e-3, per=128, warmup="5 %")
    return c
