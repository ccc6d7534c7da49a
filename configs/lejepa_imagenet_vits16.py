"""LeJEPA, ViT-S/16, ImageNet, 100 epochs.

    ssl-jax train --config=lejepa_imagenet_vits16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 64.0 % linear, 47.1 % k-NN top-1 in lightly's benchmark, which is this recipe. The paper's runs are of
larger networks (arXiv:2511.08544).
All settings: that benchmark's and the code's README: AdamW at 5e-4 with decay 0.05, a warm-up of one epoch from a
hundredth, a cosine that ends at a thousandth, drop path 0.1, a projector of 2048, 2048 and 64 with batch norm, a
weight of 0.05 and 1024 directions; two large and six small crops.
Paper and code: small crops have 98 pixels in the README, 96 in the benchmark and here, as patches of 16 need.
Differs: biases and norms are not decayed; batch statistics of the projector are over all crops together, the
benchmark's over those of each size.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs or one slice of a pod."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 512
    c.duration = "100 epochs"
    c.method = dict(name="lejepa", weight=0.05, directions=1024)
    c.nets = dict(
        encoder=dict(
            name="vit", variant="S/16", positions="learned", init_std=0.02, drop_path=0.1, pool="cls", dtype="bfloat16"
        ),
        projector=dict(name="mlp", widths=(2048, 2048, 64), dtype="bfloat16"),
    )
    c.views = presets.lejepa(224)
    c.optimizer = dict(name="adamw", weight_decay=0.05)
    c.lr = dict(kind="cosine", start=5e-6, peak=5e-4, end_factor=0.001, warmup="1 epoch")
    return c
