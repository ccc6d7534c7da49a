"""k-means of whitened patches on CIFAR-10, small: no step, one pass, minutes on two CPU cores.

    ssl-jax train --config=patch_k_means_cifar10 --workdir=W --config.data.dir=DIR

Origin: Coates, Lee & Ng 2011, patches of 6 pixels at every place, 400,000 of them to learn from, 1600 or 4000
centroids, 10 steps of k-means, sums over four quadrants, a linear SVM on 50,000 images.
Changed: 256 centroids of 65,536 patches, 10,000 images. Both numbers are options: --config.nets.encoder.out=1600
--config.method.drawn=400000 --config.data.train=tfds:cifar10/train.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """0 steps."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 80
    c.duration = "0 steps"
    c.method = dict(name="patch_k_means", drawn=2**16, iterations=10, epsilon=0.1)
    c.nets = dict(encoder=dict(name="patch_centroids", out=256, patch=6))
    c.views = presets.whole(size=32, stats=presets.CIFAR10)
    c.probe = False
    c.optimizer = dict(name="sgd")
    c.lr = 0.0
    c.evaluation = dict(batch=80)
    return c
