"""SimMIM, ViT-B/16, ImageNet, 800 epochs.

    ssl-jax train --config=simmim_imagenet_vitb16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 83.8 % top-1 after fine-tuning (arXiv:2111.09886, table 6).
All settings: the code's file for this run: relative positions that all layers share, layer scale 0.1, drop path 0.1,
matrices that write into the sum over the root of twice the layer; a batch of 2048 as for Swin, a tenth of the rate
after 700 epochs. Biases, norms, the class and the mask token are not decayed, relative positions are.
Paper and code: the same.
Differs: bfloat16 in the networks (float16 there).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """16 GPUs of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "800 epochs"
    c.method = dict(name="simmim", patch=16, mask_unit=32, mask_ratio=0.6)
    c.nets = dict(
        encoder=dict(
            name="vit",
            variant="B/16",
            positions="relative",
            pool="mean",
            layer_scale=0.1,
            drop_path=0.1,
            init_std=0.02,
            rescaled=True,
            mask_token=True,
            mask_std=0.02,
            dtype="bfloat16",
        ),
        decoder=dict(name="linear", out=3 * 16 * 16, dtype="bfloat16"),
    )
    c.views = presets.simmim(224)
    fixed = dict(match="cls_token|mask_token", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=5.0, groups=(fixed,))
    c.lr = dict(kind="steps", start=2e-6, peak=1e-4, per=512, factor=0.1, at=("700 epochs",), warmup="10 epochs")
    return c
