"""CMC, two ResNet-50 of half the width, ImageNet, 240 epochs.

    ssl-jax train --config=cmc_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 66.2 % linear top-1 with stronger crops and colors (arXiv:1906.05849, table 2); PyContrast's has 58.6.
Lab, crops, batch, SGD, rate and its steps, negatives, temperature, momentum of the banks, head: the official code, in
which every parameter is decayed.
Differs: bfloat16 in the networks. `groups=4` is the batch norm of 4 GPUs of 32 images each, the fewest that the code
asks for.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """4 GPUs in the official code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 128
    c.duration = "240 epochs"
    c.method = dict(name="cmc", form="nce", negatives=16384, temperature=0.07, momentum=0.5)
    c.nets = dict(
        encoder=dict(name="split_resnet", depth=50, base=32, groups=4, zero_init=False, dtype="bfloat16"),
        projector=dict(name="split_linear", out=128, dtype="bfloat16"),
    )
    c.views = presets.cmc(224)
    c.clean = presets.cmc_clean(224)
    c.optimizer = dict(name="sgd", momentum=0.9, weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="steps", peak=0.03, per=128, at=("120 epochs", "160 epochs", "200 epochs"), factor=0.1)
    return c
