"""MaskFeat, ViT-B/16, ImageNet, 300 epochs.

    ssl-jax train --config=maskfeat_imagenet_vitb16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 83.6 % top-1 after fine-tuning (arXiv:2112.09133, table 6), 83.4 % as reproduced by MMSelfSup, whose settings
these are: 8 GPUs of 256 images, AdamW, a clip of 0.02, warm-up of 30 epochs, blocks of 78 of 196 patches.
Paper and code: the authors' code for images has cells of one patch; MMSelfSup has four of 8 pixels, as the paper.
Differs: bfloat16 in the networks (float16 there); the mask token is 0 at first; blocks have 16 patches or more, 15
there, and are drawn as iBOT's code does.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs of 256 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "300 epochs"
    c.method = dict(name="maskfeat", patch=16, cell=8, bins=9, mask_ratio=0.4)
    c.nets = dict(
        encoder=dict(
            name="vit",
            variant="B/16",
            positions="learned",
            pool="mean",
            init_std=0.02,
            mask_token=True,
            dtype="bfloat16",
        ),
        decoder=dict(name="linear", out=3 * 9 * 2 * 2, dtype="bfloat16"),
    )
    c.views = presets.mae(224, scale=(0.5, 1.0))
    fixed = dict(match="cls_token|mask_token|pos_embed", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=0.02, groups=(fixed,))
    c.lr = dict(kind="cosine", peak=2e-4, per=256, end=1e-6, warmup="30 epochs")
    return c
