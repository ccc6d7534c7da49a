"""Places of an 8 x 8 map; views that lie anywhere in their images."""

import jax.numpy as jnp
import numpy as np

from ssl_jax.methods.vicregl import vicregl
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"num_matches": (6, 3)}
NO_CONTROL = "its guards are VICReg's, which has its control; tests/criteria hold those of places to their formula"


def nets(dtype: str) -> dict:
    return {"local_projector": heads.mlp(widths=(16, 8), dtype=dtype)}


def more(generator) -> dict:
    return {"global/place": generator.uniform(0.2, 0.8, (16, 2, 2, 3)).astype(np.float32)}


def learns(examples: int) -> Method:
    """Those crops do not say where they lie; here all are said to be the whole image."""
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    made = vicregl(encoder, heads.mlp(widths=(64, 32)), heads.mlp(widths=(64, 32)), num_matches=(8, 4))

    def placed(batch):
        whole = jnp.eye(2, 3)[None, None]
        return {**batch, "global/place": jnp.tile(whole, (*batch["global"].shape[:2], 1, 1))}

    return made._replace(
        init=lambda key, batch: made.init(key, placed(batch)),
        loss=lambda params, state, batch, *rest: made.loss(params, state, placed(batch), *rest),
    )
