"""The main job: SimCLR on 10,000 images of Fashion-MNIST that come with the package, on a laptop's CPU.

ssl-jax train --config=quickstart --workdir=runs/quickstart

kNN scores it five times on the way; --config.evaluation.during=knn,linear does more (docs/report.md).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """A small ResNet, 128 images a step; views of 24 pixels, not 28, leave time for a wider network."""
    c = ConfigDict()
    c.data = dict(train="embedded:fashion_mnist/train", test="embedded:fashion_mnist/test")
    c.batch = 128
    c.duration = "1000 steps"
    c.method = dict(name="simclr", temperature=0.2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=40, stem="half"),
        projector=dict(name="mlp", widths=(256, 64)),
    )
    c.views = presets.simclr(size=24, strength=0.5, blur=False, scale=(0.3, 1.0), stats=presets.FASHION_MNIST)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=4e-3, warmup="1 epoch")
    return c
