"""How many channels an encoder takes is read off its first kernels, of all networks that see a part of an image."""

import jax
import jax.numpy as jnp
import pytest

from ssl_jax.features.encoder import Encoder
from ssl_jax.nets import patch_resnet, resnet, split, unpadded_resnet

SMALL = dict(depth=(1,), base=4)
NETS = {
    "resnet": (resnet.resnet(**SMALL), 32),
    "split_resnet": (split.split_resnet(**SMALL), 32),
    "patch_resnet": (patch_resnet.patch_resnet(patch=16, stride=8, **SMALL), 32),
    "unpadded_resnet": (unpadded_resnet.unpadded_resnet(size=128, base=2, depth=1, out=16), 128),
}


@pytest.mark.parametrize("channels", [3, 5])
@pytest.mark.parametrize("name", NETS)
def test_channels_are_those_of_the_image(name, channels):
    net, side = NETS[name]
    image = jax.ShapeDtypeStruct((1, side, side, channels), jnp.float32)
    params, stats = jax.eval_shape(net.init, jax.random.key(0), image)
    config = {"nets": {"encoder": {"name": name}}, "clean": ({"group": "clean"},)}
    assert Encoder(config, 0, "", "encoder", "encoder", params, stats, net, None, None).channels == channels
