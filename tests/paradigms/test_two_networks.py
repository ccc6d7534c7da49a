"""CMC is refused with one network in the place of two."""

import jax
import jax.numpy as jnp
import pytest

from ssl_jax.methods.cmc import cmc
from ssl_jax.nets import heads, resnet, split

ENCODERS = [resnet.resnet(depth=(1, 1), base=4), split.split_resnet(depth=(1, 1), base=4)]


@pytest.mark.parametrize(
    ("encoder", "projector", "sentence"),
    [
        (ENCODERS[0], split.split_linear(out=8), "its encoder is one: take split_resnet"),
        (ENCODERS[1], heads.linear(out=8), "its projector is one: take split_linear"),
    ],
)
def test_one_network_is_a_sentence(encoder, projector, sentence):
    method = cmc(encoder, projector, examples=16, form="full")
    batch = {"global": jnp.zeros((4, 1, 16, 16, 3)), "index": jnp.arange(4)}
    with pytest.raises(ValueError, match=sentence):
        jax.eval_shape(method.init, jax.random.key(0), batch)
