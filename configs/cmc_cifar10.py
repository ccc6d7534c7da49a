"""CMC on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=cmc_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10; the official code's recipe for ImageNet, with the softmax over all images and
the temperature of InstDisc's recipe for CIFAR-10, 0.1 (its own has 0.1 on STL-10).
Changed: 10,000 images, 16 epochs, two ResNets of three blocks and half the width whose stems halve the image, and AdamW
at 3e-3 with a warm-up of one epoch, since SGD gets nowhere in so few steps. Crops of at least 20 % of an image.
Other forms: --config.method.form=nce or sampled, --config.method.negatives=4096.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "16 epochs"
    c.method = dict(name="cmc", form="full", temperature=0.1, momentum=0.5)
    c.nets = dict(
        encoder=dict(name="split_resnet", depth=(1, 1, 1), base=16, stem="half"),
        projector=dict(name="split_linear", out=128),
    )
    c.views = presets.cmc(32, scale=(0.2, 1.0))
    c.clean = presets.cmc_clean(32, whole=32)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
