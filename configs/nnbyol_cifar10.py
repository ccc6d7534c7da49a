"""NNBYOL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=nnbyol_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR-10 recipe, ResNet-18, 1000 epochs of 50,000 images, without a published result: LARC with
its clip at 1.0 for a batch of 256, decay 1e-5, a warm-up of 10 epochs, heads of 4096 and 256, averaging from 0.99 to
1, a queue of 65536, which is more than the images are. Views: its asymmetric ones.
Changed: a queue of 4096; the rest as BYOL's here (`byol_cifar10`): 10,000 images, 8 epochs, a ResNet of three blocks
whose stem halves the image, AdamW at 3e-3 with a warm-up of one epoch, heads of 512 and 128, averaging 0.99.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="nnbyol", ema_decay=0.99, queue=4096)
    head = dict(name="byol_mlp", hidden=512, out=128)
    c.nets = dict(encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"), projector=head, predictor=head)
    c.views = presets.cifar_asymmetric()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
