"""DINOv2 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=dinov2_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Both losses and KoLeo's weight, Sinkhorn on the teacher, heads of their own,
layer-wise decay of the rate and the patch embedding's fifth of it, masks: the paper's code (arXiv:2304.07193),
`dinov2_imagenet_vitl16` here.
Changed: an encoder of 3 layers of 96 with patches of 4 pixels and without layer scale, behind whose 1e-5 the class
token is the same for all images for longer than this run; heads of 512 outputs and a hidden width of 192, with batch
norm, which so short a run needs; two small crops of 16 pixels, averaging 0.99, a constant teacher temperature; AdamW at
1e-3 for a batch of 64 with a constant decay of 0.05, the last layers' pause 5 % of the run; 10,000 images, 10 epochs.
`cls/loss` begins near log 512 = 6.2 and `patches/loss`, of the half of the crops that hides some, near half of it; both
fall.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1562 steps of 64 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 64
    c.duration = "10 epochs"
    c.method = dict(name="dinov2", ema_decay=0.99, teacher_temperature=0.04, koleo_weight=0.1, koleo_among=32)
    head = dict(name="dino_head", out=512, hidden=192, bottleneck=64, norm_last=False, batch_norm=True)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), mask_token=True),
        projector=head,
        patch_projector=head,
    )
    crops = dict(local=2, local_size=16, local_scale=(0.05, 0.32))
    c.views = presets.dino(32, scale=(0.32, 1.0), **crops, stats=presets.CIFAR10)
    last = dict(match="(projector|dense)/last/", freeze="5 %")
    patches = dict(match="encoder/patch_embed/", multiple=0.2)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=3.0, layer_rate=0.9, groups=(last, patches))
    c.lr = dict(kind="cosine", peak=1e-3, per=64, end=1e-6, warmup="10 %")
    return c
