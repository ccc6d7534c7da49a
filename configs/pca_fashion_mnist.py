"""PCA of 10,000 images of Fashion-MNIST that come with the package: no step, one pass, seconds.

    ssl-jax train --config=pca_fashion_mnist --workdir=W

A baseline that every learned encoder should beat: 64 components, not whitened, of whole images of 28 pixels.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """0 steps."""
    c = ConfigDict()
    c.data = dict(train="embedded:fashion_mnist/train", test="embedded:fashion_mnist/test")
    c.batch = 400
    c.duration = "0 steps"
    c.method = dict(name="pca", whiten=False)
    c.nets = dict(encoder=dict(name="components", out=64))
    c.views = presets.whole(size=28, stats=presets.FASHION_MNIST)
    c.probe = False
    c.optimizer = dict(name="sgd")
    c.lr = 0.0
    c.evaluation = dict(final="all,reconstruction")
    return c
