"""LeJEPA on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=lejepa_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Weight of SIGReg, directions, a projector with batch norm and its 64 outputs:
lightly's ImageNet run, `lejepa_imagenet_vits16` here; decay 5e-4: the README's, for ResNets. Views: the README's, with
two small crops of 18 pixels.
Changed: 256 directions as in the code's example, a projector of 512, 512 and 64, a ResNet of three blocks whose stem
halves the image, 10,000 images, 8 epochs, AdamW at 3e-3 with a warm-up of one epoch.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="lejepa", weight=0.05, directions=256)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(512, 512, 64)),
    )
    crops = dict(local=2, local_size=18, local_scale=(0.08, 0.4))
    c.views = presets.lejepa(32, **crops, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=5e-4)
    c.lr = dict(kind="cosine", peak=3e-3, end_factor=0.001, warmup="1 epoch")
    return c
