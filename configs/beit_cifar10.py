"""BEiT on CIFAR-10, small: names the codes of hidden patches, in minutes on two CPU cores.

    ssl-jax train --config=beit_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Blocks of hidden patches, shared relative positions in place of others, layer
scale, rescaled first weights, AdamW with betas 0.9 and 0.98, decay 0.05 and clipped gradients: the paper's ImageNet run
(arXiv:2106.08254), `beit_imagenet_vitb16` here.
Changed: codes are those of 256 centers of patches of 4 pixels, which k-means finds before the first step, in place of
DALL-E's; an encoder of 3 layers of 96; 25 of 64 patches, no drop path; 1e-3 at a batch of 128, 10,000 images, 10
epochs. The loss begins near log 256 = 5.5; `codes/entropy`, in nats, is what it is to fall below.
With a tokenizer that was trained: `beit_dvae_cifar10`.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="beit", patch=4, hidden=25)
    places = dict(positions="relative", image_size=32, mask_token=True, mask_std=0.02)
    start = dict(init_std=0.02, layer_scale=0.1, rescaled=True)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), pool="mean", **places, **start),
        classifier=dict(name="linear", out=256),
    )
    c.views = presets.mae(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=0.05, b1=0.9, b2=0.98, clip_global=3.0)
    c.lr = dict(kind="cosine", peak=1e-3, per=128, end=1e-5, warmup="5 %")
    return c
