"""ReSSL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=ressl_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR-10 recipe, ResNet-18, 1000 epochs of 50,000 images, 90.63 % online linear: SGD at 0.05 for a
batch of 256, decay 1e-4, a warm-up of 10 epochs, cosine, a projector of 4096 and 256 without batch norm, averaging
from 0.99 to 1, a queue of 65536, temperatures 0.04 and 0.1. Views: its strong one, and a crop and flip for the
teacher.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a
warm-up of one epoch, since SGD gets nowhere in so few steps; a projector of 512 and 128, a queue of 4096, averaging
0.99, batch 128 with batch norm in 8 groups and shuffled keys, as MoCo's here.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="ressl", ema_decay=0.99, queue=4096, teacher_temperature=0.04, student_temperature=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half", groups=8),
        projector=dict(name="moco_v2_projector", hidden=512, out=128),
    )
    c.views = presets.ressl(32, scale=(0.08, 1.0), jitter=(0.4, 0.4, 0.2, 0.1), stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
