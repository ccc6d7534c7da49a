"""InstDisc on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=inst_disc_cifar10 --workdir=W --config.data.dir=DIR

Origin: the official code's line for CIFAR-10, ResNet-18, 200 epochs of 50,000 images: SGD at 0.03 for a batch of 128,
decay 5e-4, the softmax over all images, temperature 0.1, one linear layer, crops and jitter without a flip.
Changed: 10,000 images, 16 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a
warm-up of one epoch, since SGD gets nowhere in so few steps. An image has one view a step, so that 16 epochs are as
much work as 8 of methods with two. Other forms: --config.method.form=nce or sampled, --config.method.negatives=4096.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "16 epochs"
    c.method = dict(name="inst_disc", form="full", temperature=0.1, momentum=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="linear", out=128),
    )
    c.views = presets.moco_v1(32, count=1, flip=False, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
