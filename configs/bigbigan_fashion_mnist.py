"""BigBiGAN on 10,000 images of Fashion-MNIST that come with the package, small: a quarter of an hour on two CPU cores.

    ssl-jax train --config=bigbigan_fashion_mnist --workdir=W

Origin: arXiv:1907.02544, see `bigbigan_imagenet_r50`, and a public one for small images (LEGO999, TensorFlow 2): Adam
at 2e-4 with b1 0.5, two steps of the discriminator for one, perceptrons of width 64.
Changed: 48 numbers in a code, a batch of 64, narrow networks of 28 pixels on both sides; 12 epochs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1875 steps of 64 images."""
    c = ConfigDict()
    c.data = dict(train="embedded:fashion_mnist/train", test="embedded:fashion_mnist/test")
    c.batch = 64
    c.duration = "12 epochs"
    c.method = dict(name="bigbigan", times=2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=16, stem="half", zero_init=False),
        bottleneck=dict(name="linear", out=96),
        generator=dict(name="residual_generator", size=28, channels=1, widths=(32, 32, 16)),
        discriminator=dict(name="joint_discriminator", widths=(16, 32, 32), hidden=64, layers=2),
    )
    c.views = presets.whole(28, stats=presets.FASHION_MNIST)
    c.optimizer = dict(name="adamw", b1=0.5, weight_decay=0.0, groups=(dict(match="^(encoder|bottleneck)/", lr=1e-3),))
    c.lr = 2e-4
    c.evaluation = dict(final="all,reconstruction")
    return c
