"""iGPT-S, ImageNet at 32 pixels, a million steps.

    ssl-jax train --config=igpt_imagenet_s --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 2.0895 nats a pixel on the validation set (README of the code; "Generative Pretraining from Pixels", 2020).
Network, 512 colors, start of sequence, first weights, which go by the depth as in arXiv:1904.10509: the code. Batch,
steps, Adam with betas 0.9 and 0.95 without decay or dropout, a warm-up and a cosine: the paper.
Larger ones: M is --config.nets.encoder.width=1024 --config.nets.encoder.layers=36, L 1536, 48 and 16 heads.
Differs: the rate, 1e-3 here, which the paper searched for each size; crops of 0.25 to 0.6 of the image that are then
made 32 pixels (there the short side is drawn from 256 to 384 and 224 pixels are cut out); a palette of the images
themselves by k-means of 131,072 pixels, where the authors give theirs; bfloat16 in the network.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """76 million numbers, 1024 pixels."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 128
    c.duration = "1000000 steps"
    c.method = dict(name="igpt", objective="gpt")
    sizes = dict(colors=512, image_size=32, width=512, layers=24, heads=8)
    c.nets = dict(encoder=dict(name="pixel_transformer", dtype="bfloat16", **sizes))
    c.views = presets.crop_only(32, scale=(0.25, 0.6), stats=presets.HALF)
    c.optimizer = dict(name="adamw", weight_decay=0.0, b1=0.9, b2=0.95)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="1 epoch")
    return c
