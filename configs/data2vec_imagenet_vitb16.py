"""data2vec, ViT-B/16, ImageNet, 800 epochs.

    ssl-jax train --config=data2vec_imagenet_vitb16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 84.2 % top-1 after fine-tuning (arXiv:2202.03555, table 1).
All settings: the released command, 16 GPUs of 128 images: the last 6 layers averaged, 120 of 196 patches hidden,
averaging 0.9998 throughout, relative positions, drop path 0.25, layer scale 1e-4, first weights as BEiT's, the rate
2e-3 for this batch and down to 1e-5, gradients cut at 3. The class token is not decayed; the mask token is.
Paper and code: the same.
Differs: no dropout of the attention, there 0.05; bfloat16 in the network (float16 there); a normal that is not cut at
one deviation. A mask has 64 tries for a block in all.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """16 GPUs in the released command."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "800 epochs"
    c.method = dict(name="data2vec", ema_decay=0.9998, layers=6, beta=2.0, hidden=120)
    places = dict(positions="relative", image_size=224, mask_token=True, mask_std=0.02)
    start = dict(init_std=0.02, layer_scale=1e-4, rescaled=True, drop_path=0.25)
    c.nets = dict(
        encoder=dict(name="vit", variant="B/16", pool="mean", dtype="bfloat16", **places, **start),
        predictor=dict(name="linear", out=768, dtype="bfloat16"),
    )
    c.views = presets.data2vec(224)
    still = dict(match="encoder/cls_token", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=3.0, groups=(still,))
    c.lr = dict(kind="cosine", peak=2e-3, per=2048, end=1e-5, warmup="10 epochs")
    return c
