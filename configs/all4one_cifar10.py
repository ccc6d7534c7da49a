"""All4One on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=all4one_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR recipe, which is the authors', ResNet-18, 1000 epochs of 50,000 images, 93.24 % online
linear: LARC with its clip at 1.0 for a batch of 256, a tenth of it for the transformer, decay 1e-5, a warm-up of 10
epochs, cosine, heads of (2048, 2048, 256) and (4096, 256), averaging from 0.99 to 1, a queue of 98304, and its
asymmetric views.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, a tenth of it for the transformer; heads of a quarter of the widths, a transformer of half; averaging
0.99, a queue of 4096.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="all4one", ema_decay=0.99, queue=4096)
    predictor = dict(name="mlp", widths=(1024, 128))
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(512, 512, 128), last_norm="affine"),
        predictor=predictor,
        second_predictor=predictor,
        transformer=dict(name="neighbor_transformer", hidden=256),
    )
    c.views = presets.cifar_asymmetric()
    transformer = dict(match="^criterion/transformer/", multiple=0.1)
    c.optimizer = dict(name="adamw", weight_decay=1e-4, groups=(transformer,))
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
