"""BEiT, ViT-B/16, ImageNet, 800 epochs.

    ssl-jax train --config=beit_imagenet_vitb16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 83.2 % top-1 after fine-tuning (arXiv:2106.08254, table 1), with DALL-E's tokenizer.
Optimizer, rate, decay, warm-up, batch, clipping, drop path, 75 of 196 patches in blocks of 16 or more, relative
positions, layer scale, first weights, ImageNet's statistics: the command for ImageNet-1k in the code's README; crops of
0.08 to 1, bicubic, and a flip. Biases, norms and the class token are not decayed; the mask token is.
ViT-L/16: --config.nets.encoder.variant=L/16 --config.nets.encoder.layer_scale=1e-5
Differs: DALL-E's tokenizer is not here. Codes are those of 8192 centers of patches of 16 pixels, which k-means finds on
262,144 of them before the first step; so the published accuracy is not to be expected. A discrete VAE of ours instead:
train `dvae` with an encoder of 4 groups on crops of 112 pixels, and give it as nets.tokenizer with start.tokenizer and
method.tokenizer_size=112. bfloat16 in the network (float16 there); a normal that is not cut at one deviation.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """16 GPUs of 128 images in the code's README."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "800 epochs"
    c.method = dict(name="beit", patch=16, hidden=75, drawn=2**18)
    places = dict(positions="relative", image_size=224, mask_token=True, mask_std=0.02)
    start = dict(init_std=0.02, layer_scale=0.1, rescaled=True, drop_path=0.1)
    c.nets = dict(
        encoder=dict(name="vit", variant="B/16", pool="mean", dtype="bfloat16", **places, **start),
        classifier=dict(name="linear", out=8192, dtype="bfloat16"),
    )
    c.views = presets.mae(224, scale=(0.08, 1.0))
    still = dict(match="encoder/cls_token", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, b1=0.9, b2=0.98, clip_global=3.0, groups=(still,))
    c.lr = dict(kind="cosine", peak=1.5e-3, end=1e-5, warmup="10 epochs")
    return c
