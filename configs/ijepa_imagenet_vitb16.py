"""I-JEPA, ViT-B/16, ImageNet, 600 epochs.

    ssl-jax train --config=ijepa_imagenet_vitb16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 72.9 % linear top-1 (arXiv:2301.08243, table 1).
Length, batch and a predictor of 6 layers: the paper, section 4 and appendix A.1. All else: the code's settings for
ViT-H/14, as in `ijepa_imagenet_vith14`, which has none for this size; blocks have 15 to 20 % in both.
Differs: bfloat16 in the networks' matrices alone; the context is cut to 26 % of the patches, there to the least of a
GPU's batch, which is 26 % on average.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """2048 images a batch in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "600 epochs"
    c.method = dict(name="ijepa", ema_decay=dict(kind="linear", start=0.996, end=1.0), context_share=0.26)
    encoder = dict(name="vit", variant="B/16", cls_token=False, pool="mean", init_std=0.02)
    c.nets = dict(
        encoder=dict(**encoder, dtype="bfloat16"),
        predictor=dict(name="latent_predictor", width=384, layers=6, heads=12, dtype="bfloat16"),
    )
    c.views = presets.crop_only(224)
    c.optimizer = dict(name="adamw", weight_decay=dict(kind="cosine", start=0.04, end=0.4))
    c.lr = dict(kind="cosine", start=2e-4, peak=1e-3, per=2048, end=1e-6, warmup="40 epochs")
    return c
