"""VIbCReg on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=vibcreg_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR-10 recipe, ResNet-18, 1000 epochs of 50,000 images, 91.18 % online linear: LARC with its clip
at 0.3 for a batch of 256, decay 1e-4, a projector of three layers of 2048 with GELU and 64 blocks of iterative norm, a
warm-up of 10 epochs, cosine, and the views of VICReg there.
Changed: batch 128, the rate goes with it; warm-up of one epoch; three layers of 1024 and as many blocks; 10,000 images,
8 epochs, a ResNet of three blocks. To undo it: --config.data.train=tfds:cifar10/train --config.duration="1000 epochs"
--config.lr.warmup="10 epochs" --config.nets.encoder.depth=18 --config.nets.encoder.base=64
--config.nets.encoder.stem=cifar --config.nets.projector.widths="(2048, 2048, 2048)"
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="vibcreg", invariance=25.0, variance=25.0, covariance=200.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="vibcreg_projector", widths=(1024, 1024, 1024), activation="gelu", blocks=64),
    )
    c.views = presets.cifar_vicreg()
    c.optimizer = dict(name="larc_clipped", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=0.3, per=256, warmup="1 epochs")
    return c
