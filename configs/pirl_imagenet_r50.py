"""PIRL, ResNet-50, ImageNet, 800 epochs.

    ssl-jax train --config=pirl_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 63.6 % linear top-1 (arXiv:1912.01991, table 1); VISSL's table of models 64.3 %, for 200 epochs 62.9 %.
Everything: the paper and VISSL (pirl_jigsaw_4node_resnet50.yaml). Biases and batch norm are not decayed.
With VISSL's heads of two layers and more negatives told apart by a softmax, 69.9 %:
--config.method.form=sampled --config.method.temperature=0.1 --config.nets.projector.name=moco_v2_projector
"--config.nets.jigsaw_projector.widths=(2048, 128)"
Differs: of the photometric operations jitter and gray alone; both halves look at the same negatives; bfloat16 in the
networks. `groups=32` is the batch norm of its 32 GPUs of 32 images each.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """32 GPUs at VISSL."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 1024
    c.duration = "800 epochs"
    c.method = dict(name="pirl", form="nce", negatives=32000, temperature=0.07, momentum=0.5, jigsaw_weight=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=32, zero_init=False, dtype="bfloat16"),
        projector=dict(name="linear", out=128, dtype="bfloat16"),
        jigsaw_projector=dict(name="jigsaw_projector", widths=(128,), out=128, dtype="bfloat16"),
    )
    c.views = presets.pirl(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=0.03, per=256, end_factor=0.001)
    return c
