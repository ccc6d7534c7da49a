"""Relative patch position, ResNet-50, ImageNet, 70 epochs.

    ssl-jax train --config=relative_patch_position_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 39.7 % linear top-1 on the pooled features, 51.2 % of the fourth of five layers (MMSelfSup's
relative-loc_resnet50_8xb64-steplr-70e_in1k). The paper (arXiv:1505.05192) has an AlexNet, 31.7 % for its best layer, on
patches of 96 pixels with gaps of 48: its numbers are the method's defaults and take views of 398 pixels.
Pictures, gray, patches, head, SGD, rate, falls, length: MMSelfSup.
Differs: patches move by up to 10 pixels either way, there by 0 to 21; each is standardized, as in the paper; no dropout
in the head, the usual momentum of its batch norm; one decay for all weights, there 5e-4 in the head; bfloat16 in the
networks. Batch norm is over the whole batch, there over 64 images of each of 8 GPUs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in MMSelfSup."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 512
    c.duration = "70 epochs"
    c.method = dict(name="relative_patch_position", patch=64, gap=21, jitter=10, shrunk=0.0, drop_colors=0.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, zero_init=False, dtype="bfloat16"),
        classifier=dict(name="late_fusion", piece=(), whole=(4096,), out=8, dtype="bfloat16"),
    )
    c.views = presets.pieces(255, whole=292, flip=False)
    c.optimizer = dict(name="sgd", momentum=0.9, weight_decay=1e-4)
    c.lr = dict(kind="steps", peak=0.2, per=512, warmup="5 epochs", factor=0.1, at=("30 epochs", "50 epochs"))
    return c
