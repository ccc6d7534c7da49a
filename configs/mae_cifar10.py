"""MAE on CIFAR-10, small: reconstructs in minutes on two CPU cores.

    ssl-jax train --config=mae_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR-10 recipe, ViT-S with patches of 4 pixels, 1000 epochs of 50,000 images, AdamW with betas
0.9 and 0.95 at 2e-4 for a batch of 256, decay 0.05, warm-up and cosine, 75 % hidden, normalized pixels, crops of 0.08
to 1.
Changed: an encoder of 3 layers of 96, a decoder of one layer of 48, for which the rate is 1e-3 at a batch of 128;
warm-up of 5 % of the run; crops of 0.2 to 1 as in the paper; 10,000 images, 10 epochs. The frozen features of so small
a run are weak, as MAE's are without fine-tuning; watch the loss, which is below 1 where the mean of each patch would
be.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="mae", patch=4, mask_ratio=0.75)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), positions="sincos", pool="mean"),
        decoder=dict(name="mae_decoder", patch=4, width=48, layers=1, heads=4),
    )
    c.views = presets.mae(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=0.05, b1=0.9, b2=0.95)
    c.lr = dict(kind="cosine", peak=1e-3, per=128, warmup="5 %")
    return c
