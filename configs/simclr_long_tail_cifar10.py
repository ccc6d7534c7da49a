"""SimCLR on CIFAR-10 with classes of unequal size, small, and on as many images of equal ones.

    ssl-jax train --config=simclr_long_tail_cifar10 --workdir=LONG --config.data.dir=DIR
    ssl-jax train --config=simclr_long_tail_cifar10:balanced --workdir=EVEN --config.data.dir=DIR
    ssl-jax transfer --workdir=EVEN --data=tfds:cifar10 --config.data.dir=DIR
    ssl-jax transfer --workdir=LONG --data=tfds:cifar10 --config.data.dir=DIR --against=EVEN

The first class has 100 times the images of the last (arXiv:1906.07413, section 4.1), 12,406 in all, and the control as
many (arXiv:2110.05025, section 2). Both encoders are probed on all of CIFAR-10, which is balanced; the share of the
control's accuracy that the other lacks is the gap. A seed N of the order of classes is data.train of
long_tail:100@N*tfds:cifar10/train. All else is `simclr_cifar10`.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import simclr_cifar10

KINDS = {"": "long_tail", "balanced": "balanced"}


def get_config(arg: str = "") -> ConfigDict:
    """776 steps of 128 images. arg: "balanced" for the control."""
    if arg not in KINDS:
        raise ValueError(f"simclr_long_tail_cifar10:{arg} is no variant: leave it out, or write balanced")
    c = simclr_cifar10.get_config()
    c.data.train = f"{KINDS[arg]}:100*tfds:cifar10/train"
    return c
