"""SimMIM, Swin-B, 192 pixels, ImageNet, 100 epochs; `simmim_imagenet_swinb:800` is the longer run.

    ssl-jax train --config=simmim_imagenet_swinb --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 82.8 % top-1 after fine-tuning at 192 pixels (arXiv:2111.09886, table 1); the code's README has 83.5 % at 224
pixels, and 84.0 % after 800 epochs.
All settings: the code's files for these runs, 16 GPUs of 128 images. 100 epochs end with the rate at a twentieth by a
cosine, 800 with a tenth of it after 700. Biases, norms, the mask token and relative positions are not decayed.
Paper and code: the same.
Differs: bfloat16 in the networks (float16 there); the matrix of the patches begins as all others, and the norm behind
it takes its scale away.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

RATES = {
    "": dict(kind="cosine", start=4e-6, peak=2e-4, per=512, end_factor=0.05, warmup="10 epochs"),
    "800": dict(kind="steps", start=2e-6, peak=1e-4, per=512, factor=0.1, at=("700 epochs",), warmup="10 epochs"),
}


def get_config(arg: str = "") -> ConfigDict:
    """16 GPUs in the code's README. arg: "" or "800"."""
    if arg not in RATES:
        raise ValueError(f"simmim_imagenet_swinb:{arg} is not published; leave it out (100 epochs) or write 800")
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = f"{arg or 100} epochs"
    c.method = dict(name="simmim", patch=4, mask_unit=32, mask_ratio=0.6)
    c.nets = dict(
        encoder=dict(name="swin", variant="B", window=6, mask_token=True, dtype="bfloat16"),
        decoder=dict(name="linear", out=3 * 32 * 32, dtype="bfloat16"),
    )
    c.views = presets.simmim(192)
    fixed = dict(match="mask_token|relative_bias", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=5.0, groups=(fixed,))
    c.lr = RATES[arg]
    return c
