"""SimMIM with a Swin transformer on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=simmim_swin_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Units, ratio, loss, head and crops: the paper's (arXiv:2111.09886),
`simmim_imagenet_swinb` here.
Changed: two stages of two blocks of 48 and 96, patches of 2 pixels, windows of 4 tokens on maps of 16 and 8, mask units
of 8 pixels, of which 10 of 16 are hidden; AdamW at 1e-3 for a batch of 128, 10,000 images, 10 epochs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="simmim", patch=2, mask_unit=8, mask_ratio=0.6)
    c.nets = dict(
        encoder=dict(name="swin", variant=(48, (2, 2), (3, 6)), patch=2, window=4, mask_token=True),
        decoder=dict(name="linear", out=3 * 4 * 4),
    )
    c.views = presets.simmim(32, stats=presets.CIFAR10)
    fixed = dict(match="mask_token|relative_bias", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=5.0, groups=(fixed,))
    c.lr = dict(kind="cosine", peak=1e-3, per=128, warmup="5 %")
    return c
