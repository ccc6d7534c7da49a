"""VICRegL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=vicregl_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10; this is the recipe of VICReg here (`vicreg_cifar10`) with a head of three layers
of 256 for places, the published alpha of 0.75, and the covariance of the mean of both views.
Places: the stem halves the image to 16 x 16 and two of the three stages halve it again, so that a view has 4 x 4, of
which the 8 best matches count from one view and 4 from the other (20 and 4 of 7 x 7 on ImageNet).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="vicregl", alpha=0.75, num_matches=(8, 4), invariance=25.0, variance=25.0, covariance=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="vicreg_expander", widths=(1024, 1024, 1024)),
        local_projector=dict(name="vicreg_expander", widths=(256, 256, 256)),
    )
    c.views = tuple(dict(view, places=True) for view in presets.cifar_vicreg())
    c.optimizer = dict(name="larc_clipped", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=0.3, per=256, warmup="1 epochs")
    return c
