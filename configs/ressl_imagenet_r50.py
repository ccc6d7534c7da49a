"""ReSSL, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=ressl_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 69.9 % linear top-1 with one crop (arXiv:2107.09282, table 4; README), 74.7 % with five.
All settings: the code's, 8 GPUs of 32 images: SGD at 0.05, decay 1e-4 of what is no bias or norm, a warm-up of 5
epochs, a projector of 4096 and 512, a queue of 131072, averaging 0.999, temperatures 0.04 and 0.1.
Paper and code: the same.
Differs: bfloat16 in the networks. `groups=8` is the batch norm of the 8 GPUs, on any number of devices; the keys are
shuffled over these groups, as there.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "200 epochs"
    c.method = dict(name="ressl", ema_decay=0.999, queue=131072, teacher_temperature=0.04, student_temperature=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="moco_v2_projector", hidden=4096, out=512, dtype="bfloat16"),
    )
    c.views = presets.ressl(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=0.05, per=256, warmup="5 epochs")
    return c
