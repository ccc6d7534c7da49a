"""I-JEPA on CIFAR-10, small: runs in minutes on two CPU cores, too few for good features.

    ssl-jax train --config=ijepa_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Four blocks of 15 to 20 %, a context without them, crops of 0.3 to 1 and
nothing else, a constant norm of the targets: the paper's ImageNet run (arXiv:2301.08243), `ijepa_imagenet_vith14`
here.
Changed: an encoder of 3 layers of 96 with patches of 4 pixels, whose initial weights are Xavier's, as with 0.02 so few
pixels would be a tenth of their positions; a predictor of 2 layers of 48, averaging from 0.99 to 1; AdamW at 1e-3 with
a constant decay of 0.05, warm-up of 5 % of the run; 10,000 images, 10 epochs. On a grid of 8 x 8 a block has 9 or 12
patches and a context at least 7; half of the patches may be seen, so that next to none is cut off.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    averaging = dict(kind="linear", start=0.99, end=1.0)
    c.method = dict(name="ijepa", ema_decay=averaging, context_share=0.5, least_context=6)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), cls_token=False, pool="mean"),
        predictor=dict(name="latent_predictor", width=48, layers=2, heads=4),
    )
    c.views = presets.crop_only(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=0.05)
    c.lr = dict(kind="cosine", peak=1e-3, per=128, end=1e-6, warmup="5 %")
    return c
