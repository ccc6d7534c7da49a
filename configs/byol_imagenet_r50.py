"""BYOL, ResNet-50 (1x), ImageNet, 1000 epochs; `byol_imagenet_r50:300` and `:100` are the code's shorter presets.

    ssl-jax train --config=byol_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 74.3 % linear top-1 (arXiv:2006.07733, table 1a), 72.5 % for 300 epochs (section 5), 66.5 % for 100 as
reproduced by SimSiam (arXiv:2011.10566, table 4).
Batch, LARS, warm-up, averaging, heads: section 3.2 and 3.3. Rate, decay and averaging of each length: the official
code's presets. Augmentation: appendix B.
Paper and code: the same, but that the code starts the target from another seed (here from the online network).
Differs: bfloat16 in the networks; the brightness of the color jitter is multiplicative, the code's is additive.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

LENGTHS = {"": (1000, 0.2, 1.5e-6, 0.996), "300": (300, 0.3, 1e-6, 0.99), "100": (100, 0.45, 1e-6, 0.99)}
"""arg -> epochs, rate per 256, weight decay, first averaging."""


def get_config(arg: str = "") -> ConfigDict:
    """512 TPU v3 cores in the paper. arg: "", "300" or "100"."""
    if arg not in LENGTHS:
        raise ValueError(f"byol_imagenet_r50:{arg} is not published; leave it out (1000 epochs) or write 300 or 100")
    epochs, peak, weight_decay, ema_decay = LENGTHS[arg]
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = f"{epochs} epochs"
    c.method = dict(name="byol", ema_decay=dict(kind="cosine", start=ema_decay, end=1.0))
    head = dict(name="byol_mlp", hidden=4096, out=256, dtype="bfloat16")
    c.nets = dict(encoder=dict(name="resnet", depth=50, dtype="bfloat16"), projector=head, predictor=head)
    c.views = presets.byol(224)
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=weight_decay)
    c.lr = dict(kind="cosine", peak=peak, per=256, warmup="10 epochs")
    return c
