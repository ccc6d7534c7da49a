"""MSN, ViT-S/16, ImageNet, 800 epochs.

    ssl-jax train --config=msn_imagenet_vits16 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 76.9 % linear top-1 after 600 epochs (arXiv:2204.07141, table 5).
All settings: the code's configs/pretrain/msn_vits16.yaml and its defaults: batch 1024, AdamW at 1e-3 from 2e-4 in 15
epochs, decay from 0.04 to 0.4, both cosines over 1.25 times the run, averaging from 0.996 to 1 over as long; 1024
prototypes of 256 dimensions, a head of 2048, 15 % of the patches dropped, ten focal crops of 96 pixels; encoder and
head clipped to a norm of 3.
Paper and code: the code's run has 800 epochs.
Differs: bfloat16 in the network. Batch statistics of the head are over all crops together, the code's over those of
each size. The code adds the prototypes' gradients of its devices up where all others are averaged, which AdamW does
not see.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """16 GPUs of 64 images in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 1024
    c.duration = "800 epochs"
    longer = dict(over=1.25)
    c.method = dict(
        name="msn", ema_decay=dict(kind="linear", start=0.996, end=1.0, **longer), target_temperature=0.25, drop=0.15
    )
    c.nets = dict(
        encoder=dict(name="vit", variant="S/16", positions="learned", init_std=0.02, pool="cls", dtype="bfloat16"),
        projector=dict(name="mlp", widths=(2048, 2048, 256), activation="gelu", dtype="bfloat16"),
    )
    c.views = presets.msn(224)
    nets = dict(match="^(encoder|projector)/", clip_global=3.0)
    prototypes = dict(match="criterion/prototypes", weight_decay=0.0)
    decay = dict(kind="cosine", start=0.04, end=0.4, **longer)
    c.optimizer = dict(name="adamw", weight_decay=decay, groups=(nets, prototypes))
    c.lr = dict(kind="cosine", start=2e-4, peak=1e-3, end=1e-6, warmup="15 epochs", **longer)
    return c
