"""MSN on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=msn_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Sharpening, temperature, me-max, Sinkhorn, a head of three layers with batch
norm and GELU, prototypes that are not decayed: the paper's ImageNet run (arXiv:2204.07141), `msn_imagenet_vits16`
here.
Changed: an encoder of 3 layers of 96 with patches of 4 pixels, 256 prototypes of 128 dimensions, a hidden width of
512, two focal crops of 16 pixels, averaging 0.99; AdamW at 1e-3 with a constant decay of 0.05, 10,000 images, 10
epochs. `msn/loss` begins near log 256 = 5.5 and falls; `msn/prior` stays near 0.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="msn", ema_decay=0.99, target_temperature=0.25, drop=0.15, prototypes=256)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4)),
        projector=dict(name="mlp", widths=(512, 512, 128), activation="gelu"),
    )
    crops = dict(focal=2, focal_size=16, focal_scale=(0.05, 0.3))
    c.views = presets.msn(32, **crops, stats=presets.CIFAR10)
    prototypes = dict(match="criterion/prototypes", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=3.0, groups=(prototypes,))
    c.lr = dict(kind="cosine", peak=1e-3, per=128, end=1e-6, warmup="1 epoch")
    return c
