"""DINO on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=dino_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 84.0 % k-NN: SGD at 0.06 for a batch of
128, decay 5e-4, cosine without warm-up, 2048 outputs, batch norm in the head, averaging 0.99. Last layer frozen for an
epoch: solo-learn and the paper. Small crops of 18 pixels, 0.08 to 0.5 of the area: solo-learn's multi-crop for CIFAR.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps; 1024 outputs, a hidden width of 512, two small crops. For the
origin's run, in a copy of this file: all images, "200 epochs", dict(name="resnet", depth=18, stem="cifar"),
dict(name="sgd", weight_decay=5e-4, decay_1d=False) at dict(kind="cosine", peak=0.06, per=128); 2048 outputs, a hidden
width of 2048.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="dino", ema_decay=0.99, teacher_temperature=0.04, student_temperature=0.1, center_momentum=0.9)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="dino_head", out=1024, hidden=512, bottleneck=256, batch_norm=True),
    )
    c.views = presets.dino(32, scale=(0.2, 1.0), local=2, local_size=18, local_scale=(0.08, 0.5), stats=presets.CIFAR10)
    last = dict(match="projector/last/", freeze="1 epoch")
    c.optimizer = dict(name="adamw", weight_decay=1e-4, groups=(last,))
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
