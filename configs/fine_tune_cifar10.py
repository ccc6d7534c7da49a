"""Fine-tuning MAE's small encoder on a tenth of the labels of CIFAR-10's first 10,000 images, or learning from scratch.

    ssl-jax train --config=mae_cifar10 --workdir=M --config.data.dir=DIR
    ssl-jax train --config=fine_tune_cifar10 --config.start.encoder=M --workdir=W --config.data.dir=DIR
    ssl-jax train --config=fine_tune_cifar10 --workdir=SCRATCH --config.data.dir=DIR    # the same budget without it

Origin: MAE's fine-tuning of ViT-B (arXiv:2111.06377, table 9; code): AdamW with betas 0.9 and 0.999 at 5e-4 for a batch
of 256, decay 0.05, rate by layer 0.65, warm-up of 5 of 100 epochs, mixup 0.8, cutmix 1, smoothing 0.1, drop path 0.1,
RandAugment, random erasing.
Changed: the network of mae_cifar10, of 3 layers: rate by layer 0.75; 1e-3 at a batch of 128; crops of 0.2 to 1 and
flips alone; 1,000 images, 100 epochs. Another encoder wants its own nets.encoder here.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="held:0.1*tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "100 epochs"
    c.method = dict(name="supervised_classification", smoothing=0.1, mixup=0.8, cutmix=1.0)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), positions="sincos", pool="mean", drop_path=0.1),
        classifier=dict(name="linear", out=10),
    )
    c.views = presets.mae(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=0.05, layer_rate=0.75)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="5 %")
    c.evaluation = dict(every="never")
    return c
