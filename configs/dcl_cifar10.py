"""DCL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=dcl_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 84.4 % k-NN: SGD at 0.06 for a batch of
128, decay 5e-4, cosine without warm-up, jitter of strength 0.5, no blur, temperature 0.5. Its loss is this
one: one sum over both views, as in eq. 5 of the paper and in the first public code.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps; temperature 0.2, as in `simclr_cifar10`.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="dcl", temperature=0.2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(512, 128)),
    )
    c.views = presets.simclr(32, strength=0.5, blur=False, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
