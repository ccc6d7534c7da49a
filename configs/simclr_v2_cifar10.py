"""SimCLR v2 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=simclr_v2_cifar10 --workdir=W --config.data.dir=DIR

Origin: the released code's README, whose head has three layers unless told otherwise: ResNet-18, 1000 epochs of 50,000
images, about 91 % linear: LARS at 1.0 for a batch of 512, decay 1e-4, temperature 0.5, jitter of strength 0.5, no blur.
Changed: as in `simclr_cifar10`, from which it differs by one more layer of the head: 10,000 images, 8 epochs, a ResNet
of three blocks whose stem halves the image, AdamW at 3e-3 with a warm-up of one epoch, temperature 0.2.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="simclr_v2", temperature=0.2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="simclr_projector", widths=(512, 512, 128)),
    )
    c.views = presets.simclr(32, strength=0.5, blur=False, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
