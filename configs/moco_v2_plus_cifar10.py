"""MoCo v2+ on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=moco_v2_plus_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR-10 recipe, ResNet-18, 1000 epochs of 50,000 images, 92.94 % online linear: SGD at 0.3 for a
batch of 256, decay 1e-4, warm-up of 10 epochs, cosine, a head of (2048, 256), two queues of 32768, temperature 0.2,
averaging from 0.99 to 0.999, global batch norm, and its views.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps;
queues of 4096, averaging 0.99, a head of (512, 128).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="moco_v2_plus", ema_decay=0.99, queue=4096, temperature=0.2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="moco_v2_projector", hidden=512, out=128),
    )
    c.views = presets.cifar_symmetric_weak()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
