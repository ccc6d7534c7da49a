"""Two clusterings of a few images; every second prototype is drawn."""

import jax.numpy as jnp

from ssl_jax.methods.pcl_v2 import pcl_v2
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"queue": 32, "clusters": (4, 6), "negatives": 3, "warmup": 0, "iterations": 3}
NO_CONTROL = "its guard is MoCo's queue, which has its control; tests/criteria hold its prototypes to their formula"


def learns(examples: int) -> Method:
    """Without its pass, since that training reads no other views: prototypes have no labels there and take no part."""
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(queue=1024, clusters=(32, 64), ema_decay=lambda step: jnp.float32(0.9))
    return pcl_v2(encoder, heads.mlp(widths=(64, 32)), examples=examples, **options)._replace(passes=())
