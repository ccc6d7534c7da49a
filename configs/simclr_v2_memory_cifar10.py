"""SimCLR v2 with its memory on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=simclr_v2_memory_cifar10 --workdir=W --config.data.dir=DIR

Origin: `simclr_v2_cifar10`, beside which there are 4096 keys of an average of the network, of 0.99 a step, as in
`moco_v2_cifar10`; the authors have not released this part.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import simclr_v2_cifar10


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = simclr_v2_cifar10.get_config()
    c.method = dict(name="simclr_v2_memory", ema_decay=0.99, queue=4096, temperature=0.2)
    return c
