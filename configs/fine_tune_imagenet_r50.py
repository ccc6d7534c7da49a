"""Fine-tuning a ResNet-50 on 1 % or 10 % of ImageNet's labels, as SimCLR does it.

    ssl-jax train --config=fine_tune_imagenet_r50 --config.start.encoder=RUN --workdir=W --config.data.dir=DIR
    ssl-jax train --config=fine_tune_imagenet_r50:10 --config.start.encoder=RUN --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them. RUN: of
simclr_imagenet_r50, or whatever `ssl-jax import` has made of a file.
Paper: 48.3 % top-1 with 1 %, 65.6 % with 10 % (arXiv:2002.05709, table 7 and appendix B.5).
Nesterov momentum, 0.05 for 256 images, batch 4096, no decay, no warm-up, 60 epochs of 1 % and 30 of 10 %: there.
Differs: another draw of images, each class with its share, of which that of 1 % lies within that of 10 %; batches of
1024, as a tenth of the labels are 128,116 images and batches are drawn over the ends of epochs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

SHARES = {"": (0.01, 60), "10": (0.1, 30)}
"""Of the labels, and epochs."""


def get_config(arg: str = "") -> ConfigDict:
    """arg: "" for 1 % of the labels, or "10"."""
    if arg not in SHARES:
        raise ValueError(f"fine_tune_imagenet_r50:{arg} is not published; leave it out (1 %) or write 10")
    share, epochs = SHARES[arg]
    c = ConfigDict()
    c.data = dict(train=f"held:{share:g}*tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 1024
    c.duration = f"{epochs} epochs"
    c.method = dict(name="supervised_classification")
    c.nets = dict(encoder=dict(name="resnet", depth=50, dtype="bfloat16"), classifier=dict(name="linear", out=1000))
    c.views = presets.linear_probe(224)
    c.optimizer = dict(name="sgd", nesterov=True)
    c.lr = dict(kind="cosine", peak=0.05, per=256)
    return c
