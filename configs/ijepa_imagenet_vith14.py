"""I-JEPA, ViT-H/14, ImageNet, 300 epochs.

    ssl-jax train --config=ijepa_imagenet_vith14 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 79.3 % linear top-1 (arXiv:2301.08243, table 1).
All settings: the code's in1k_vith14_ep300.yaml, 16 GPUs of 128 images: a predictor of 12 layers of 384 with the
encoder's heads, four blocks of 15 to 20 %, a context of 85 to 100 % without them, crops of 0.3 to 1 and no flip, the
rate from 2e-4 to 1e-3 in 40 epochs and to 1e-6, decay from 0.04 to 0.4, averaging from 0.996 to 1.
Code: its rate, 1e-3 for this batch, is not scaled; the paper's warm-up has 15 epochs from 1e-4, and L2 as its loss.
Differs: bfloat16 in the networks' matrices alone; the context is cut to 27 % of the patches, there to the least of a
GPU's batch, which is 27 % on average.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """16 GPUs of 80 GB in the code's README."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "300 epochs"
    c.method = dict(name="ijepa", ema_decay=dict(kind="linear", start=0.996, end=1.0))
    encoder = dict(name="vit", variant="H/14", cls_token=False, pool="mean", init_std=0.02, remat=True)
    c.nets = dict(
        encoder=dict(**encoder, dtype="bfloat16"),
        predictor=dict(name="latent_predictor", width=384, layers=12, heads=16, remat=True, dtype="bfloat16"),
    )
    c.views = presets.crop_only(224)
    c.optimizer = dict(name="adamw", weight_decay=dict(kind="cosine", start=0.04, end=0.4))
    c.lr = dict(kind="cosine", start=2e-4, peak=1e-3, per=2048, end=1e-6, warmup="40 epochs")
    return c
