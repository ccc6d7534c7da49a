"""MAE, ViT-B/16, ImageNet, 1600 epochs.

    ssl-jax train --config=mae_imagenet_vitb16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 83.6 % top-1 after fine-tuning (arXiv:2111.06377, table 3).
Optimizer, rate, decay, warm-up, batch, crop: table 8. Decoder, mask, target: section 3, tables 1 and 2 (8 layers of
512, 75 % hidden, normalized pixels). 800 epochs, the paper's default in its ablations: --config.duration="800 epochs".
Paper and code: the same. Biases and norms are not decayed; the class and mask tokens, which are no vectors, are.
The paper's larger ones: --config.nets.encoder.variant=L/16, on chips of 16 GB (v5e) with nets.encoder.remat=True.
Differs: bfloat16 in the networks (float16 there).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """64 GPUs of 64 images in the code's README."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "1600 epochs"
    c.method = dict(name="mae", patch=16, mask_ratio=0.75)
    c.nets = dict(
        encoder=dict(name="vit", variant="B/16", positions="sincos", pool="mean", dtype="bfloat16"),
        decoder=dict(name="mae_decoder", patch=16, width=512, layers=8, heads=16, dtype="bfloat16"),
    )
    c.views = presets.mae(224)
    c.optimizer = dict(name="adamw", weight_decay=0.05, b1=0.9, b2=0.95)
    c.lr = dict(kind="cosine", peak=1.5e-4, per=256, warmup="40 epochs")
    return c
