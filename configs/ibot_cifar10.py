"""iBOT on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=ibot_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Masks, both losses, the shared head and an unfrozen norm of its last layer: the
paper's ImageNet run (arXiv:2111.07832), `ibot_imagenet_vits16` here.
Changed: an encoder of 3 layers of 96 with patches of 4 pixels; a head of 128 outputs and a hidden width of 192, with
batch norm, without which the class token's loss learns nothing but how often an output is named in some hundred steps;
two small crops of 16 pixels, averaging 0.99, a constant teacher temperature; AdamW at 2e-3 for a batch of 64 with a
constant decay of 0.05, the last layer's pause 5 % of the run; 10,000 images, 10 epochs. `patches/loss` begins near half
of log 128, 2.4, as half of the crops hide nothing, and falls.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1562 steps of 64 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 64
    c.duration = "10 epochs"
    c.method = dict(name="ibot", ema_decay=0.99, teacher_temperature=0.04, patch_teacher_temperature=0.04)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), mask_token=True),
        projector=dict(name="dino_head", out=128, hidden=192, bottleneck=64, norm_last=False, batch_norm=True),
    )
    crops = dict(local=2, local_size=16, local_scale=(0.05, 0.25))
    c.views = presets.dino(32, scale=(0.25, 1.0), **crops, stats=presets.CIFAR10)
    last = dict(match="projector/last/", freeze="5 %")
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_each=3.0, groups=(last,))
    c.lr = dict(kind="cosine", peak=2e-3, per=64, end=1e-6, warmup="10 %")
    return c
