"""SwAV on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=swav_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 81.2 % k-NN: Adam at 1e-3 for a batch of
128, decay 1e-6, 512 prototypes. Small crops of 18 pixels, 0.08 to 0.5 of the area: solo-learn's multi-crop for CIFAR.
Changed: two small crops, prototypes frozen in the first epoch as in the paper; 128 prototypes, as a batch of 128 cannot
fill more without a queue; epsilon 0.03, since the codes of a young network are all alike at 0.05; 3e-3 with a warm-up
of one epoch; 10,000 images, 8 epochs, a ResNet of three blocks. To undo it: --config.method.epsilon=0.05
--config.lr.peak=1e-3 --config.data.train=tfds:cifar10/train --config.duration="200 epochs"
--config.nets.encoder.depth=18 --config.nets.encoder.base=64 --config.nets.encoder.stem=cifar
--config.method.prototypes=512
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="swav", prototypes=128, temperature=0.1, epsilon=0.03, iterations=3)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="swav_projector", hidden=512, out=128),
    )
    c.views = presets.swav(32, scale=(0.2, 1.0), local=2, local_size=18, local_scale=(0.08, 0.5), stats=presets.CIFAR10)
    prototypes = dict(match="prototypes$", freeze="1 epoch", unit_norm=0)
    c.optimizer = dict(name="adamw", weight_decay=1e-6, groups=(prototypes,))
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
