"""k-means of 10,000 images of Fashion-MNIST that come with the package: no step, 21 passes, a minute.

    ssl-jax train --config=k_means_fashion_mnist --workdir=W

256 clusters of whole images of 28 pixels from k-means++ on 4096 of them, 20 iterations, triangle features.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """0 steps."""
    c = ConfigDict()
    c.data = dict(train="embedded:fashion_mnist/train", test="embedded:fashion_mnist/test")
    c.batch = 400
    c.duration = "0 steps"
    c.method = dict(name="k_means", iterations=20)
    c.nets = dict(encoder=dict(name="centroids", out=256, features="triangle"))
    c.views = presets.whole(size=28, stats=presets.FASHION_MNIST)
    c.probe = False
    c.optimizer = dict(name="sgd")
    c.lr = 0.0
    c.evaluation = dict(final="all,reconstruction")
    return c
