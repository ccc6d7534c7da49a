"""TiCo on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=tico_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Weights and the average's decay: the paper's (arXiv:2206.10698), of which
`tico_imagenet_r50` is the ImageNet run; the rest is the recipe of BYOL here (`byol_cifar10`) without its predictor,
with solo-learn's asymmetric views. `tico/invariance` falls towards 0, `covariance/purity` stays near 1 / 128 and is 1
at collapse.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="tico", ema_decay=0.99, beta=0.9, rho=8.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="byol_mlp", hidden=512, out=128),
    )
    c.views = presets.cifar_asymmetric()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
