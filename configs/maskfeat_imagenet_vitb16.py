"""MaskFeat, ViT-B/16, ImageNet, 300 epochs.

    ssl-jax train --config=maskfeat_imagenet_vitb16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 83.6 % top-1 after fine-tuning (arXiv:2112.09133, comparison of targets), 83.4 % as reproduced by MMSelfSup.
All settings: the authors' file for this run, at the paper's batch of 2048: AdamW, a clip of 0.02, warm-up of 30 epochs
from 1e-6, no drop path. Biases and norms are not decayed; tokens and positions are.
Paper and code: the same. MMSelfSup weights gradients by a Gaussian (--config.method.window=16) and decays neither
tokens nor positions.
Differs: bfloat16 in the networks; blocks of hidden patches are drawn as iBOT's code does.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 shards of 256 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "300 epochs"
    c.method = dict(name="maskfeat", patch=16, cell=8, bins=9, window=0, mask_ratio=0.4)
    c.nets = dict(
        encoder=dict(
            name="vit",
            variant="B/16",
            positions="learned",
            pool="mean",
            init_std=0.02,
            mask_token=True,
            mask_std=0.02,
            dtype="bfloat16",
        ),
        decoder=dict(name="linear", out=3 * 9 * 2 * 2, dtype="bfloat16"),
    )
    c.views = presets.mae(224, scale=(0.5, 1.0))
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=0.02)
    c.lr = dict(kind="cosine", start=1e-6, peak=2e-4, per=256, end=1e-6, warmup="30 epochs")
    return c
