"""MaskFeat on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=maskfeat_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Bins, blocks of 40 %, loss, head and crops: the paper's ImageNet run
(arXiv:2112.09133), `maskfeat_imagenet_vitb16` here.
Changed: an encoder of 3 layers of 96 with patches of 4 pixels, each of which is one cell; AdamW at 1e-3 for a batch of
128, a clip of 1; 10,000 images, 10 epochs. The loss begins near 0.11, the mean square of histograms of 9 bins.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="maskfeat", patch=4, cell=4)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), pool="mean", mask_token=True, mask_std=0.02),
        decoder=dict(name="linear", out=3 * 9),
    )
    c.views = presets.mae(32, scale=(0.5, 1.0), stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=1.0)
    c.lr = dict(kind="cosine", peak=1e-3, per=128, warmup="5 %")
    return c
