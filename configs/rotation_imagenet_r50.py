"""Rotation prediction, ResNet-50, ImageNet, 105 epochs.

    ssl-jax train --config=rotation_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 48.2 % linear top-1 (VISSL's model zoo). The paper (arXiv:1803.07728, linear layers on ImageNet) has an
AlexNet, 38.7 % for its best layer; its code trains it for 50 epochs of 192 images in four turns with a rate that falls
at 15, 30 and 45.
SGD, rate, falls, decay, length: VISSL's rotnet_8gpu_resnet.yaml, 256 inputs a step. Four turns of each image in a
batch: the paper and its code, so that 64 images make 256 inputs.
Differs: VISSL turns before it crops and flips, and a flip after the turn makes two of the four classes one; here the
turn comes last. An epoch has four turns of each image, VISSL's has one: as many inputs are --config.duration="26
epochs". Biases are not decayed (in VISSL norms are not); bfloat16 in the network.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in VISSL."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 64
    c.duration = "105 epochs"
    c.method = dict(name="rotation")
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, zero_init=False, dtype="bfloat16"),
        classifier=dict(name="linear", out=4, dtype="bfloat16"),
    )
    c.views = presets.linear_probe(224)
    c.optimizer = dict(name="sgd", momentum=0.9, weight_decay=1e-4)
    falls = (30 / 105, 60 / 105, 90 / 105, 100 / 105)
    c.lr = dict(kind="steps", peak=0.1, per=64, factor=0.1, at=falls)
    return c
