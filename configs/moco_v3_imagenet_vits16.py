"""MoCo v3, ViT-S/16, ImageNet, 300 epochs.

    ssl-jax train --config=moco_v3_imagenet_vits16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Code: 73.2 % linear top-1 (facebookresearch/moco-v3, CONFIG.md), and 76.7 % of its ViT-B/16, which is variant="B/16" in
a copy of this file.
Everything: the official code (arXiv:2104.02057). Its ViT-S has 12 heads of 32; positions are fixed sines, the random
patch projection is never trained, and all other parameters are decayed.
Differs: bfloat16 in the networks (float16 there).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """32 GPUs in the code."""
    head = dict(bias=False, last_bias=False, last_norm="plain", dtype="bfloat16")
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "300 epochs"
    c.method = dict(name="moco_v3", ema_decay=dict(kind="cosine", start=0.99, end=1.0), temperature=0.2)
    c.nets = dict(
        encoder=dict(name="vit", variant=(384, 12, 12, 16), positions="sincos", pool="cls", dtype="bfloat16"),
        projector=dict(name="mlp", widths=(4096, 4096, 256), **head),
        predictor=dict(name="mlp", widths=(4096, 256), **head),
    )
    c.views = presets.byol(224)
    c.optimizer = dict(
        name="adamw",
        weight_decay=0.1,
        decay_1d=True,
        groups=(dict(match="^encoder/patch_embed/", freeze="always"),),
    )
    c.lr = dict(kind="cosine", peak=1.5e-4, per=256, warmup="40 epochs")
    return c
