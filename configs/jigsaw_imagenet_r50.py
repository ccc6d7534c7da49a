"""Jigsaw puzzles, ResNet-50, ImageNet, 105 epochs.

    ssl-jax train --config=jigsaw_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 46.7 % linear top-1 (VISSL's model zoo; 48.6 % with 100 permutations and 48.1 % with 10,000, each with as
many outputs of nets.classifier). The paper (arXiv:1603.09246) has an AlexNet, 34.0 % for its best layer.
Pictures, gray, tiles, number of permutations, head, SGD, rate, falls, decay, length: VISSL's jigsaw_8gpu_resnet.yaml.
Differs: tiles are standardized, as in the paper; the permutations are chosen anew, by the paper's algorithm; biases are
not decayed; bfloat16 in the networks. `groups=8` is the batch norm of 8 GPUs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in VISSL."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "105 epochs"
    c.method = dict(name="jigsaw", grid=3, tile=64, jitter=21, permutations=2000)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        classifier=dict(name="late_fusion", piece=(1000,), whole=(), out=2000, groups=8, dtype="bfloat16"),
    )
    c.views = presets.pieces(255, whole=256)
    c.optimizer = dict(name="sgd", momentum=0.9, weight_decay=1e-4)
    falls = (30 / 105, 60 / 105, 90 / 105, 100 / 105)
    c.lr = dict(kind="steps", start=0.025, peak=0.1, per=256, warmup="5 epochs", factor=0.1, at=falls)
    return c
