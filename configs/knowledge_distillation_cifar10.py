"""Knowledge distillation on CIFAR-10, small: a network of half the width learns what a finished run knows.

    ssl-jax train --config=simclr_cifar10 --workdir=T --config.data.dir=DIR
    ssl-jax train --config=knowledge_distillation_cifar10 --config.start.teacher=T --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Squared distance of features: FitNets (arXiv:1412.6550); teacher and student
see the same crop: arXiv:2106.05237. nets.teacher is the encoder of `simclr_cifar10`; for another run write its encoder
there, and the width of its features as the projector's `out`. `features/teacher/explained` rises towards 1.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="knowledge_distillation", feature_weight=1.0, soft_weight=0.0)
    c.start = dict(teacher="")
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=16, stem="half"),
        projector=dict(name="linear", out=128),
        teacher=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
    )
    c.views = presets.linear_probe(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
