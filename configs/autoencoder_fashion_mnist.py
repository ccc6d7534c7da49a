"""Autoencoder on 10,000 images of Fashion-MNIST that come with the package, small: minutes on two CPU cores.

    ssl-jax train --config=autoencoder_fashion_mnist --workdir=W

Origin: no one paper's; a code of 32 numbers, to be compared with PCA of as many (`pca_fashion_mnist` with
nets.encoder.out=32), whose error a linear one would have.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="embedded:fashion_mnist/train", test="embedded:fashion_mnist/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="autoencoder")
    c.nets = dict(
        encoder=dict(name="conv_encoder", widths=(32, 64, 128)),
        bottleneck=dict(name="linear", out=32),
        decoder=dict(name="conv_decoder", size=28, channels=1, widths=(64, 32)),
    )
    c.views = presets.whole(28, stats=presets.FASHION_MNIST)
    c.optimizer = dict(name="adamw", weight_decay=0.0)
    c.lr = dict(kind="cosine", peak=1e-3, per=128, warmup="5 %")
    c.evaluation = dict(final="all,reconstruction")
    return c
