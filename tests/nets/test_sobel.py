import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.nets.resnet import resnet
from ssl_jax.nets.sobel_resnet import gradients, sobel_resnet
from tests.nets.drawn import drawn

ACROSS = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])


def images():
    return np.random.default_rng(0).normal(size=(2, 6, 5, 3))


def test_gradients_are_those_of_the_two_filters():
    x = images()
    gray = np.pad(x.mean(-1), ((0, 0), (1, 1), (1, 1)))
    expected = np.zeros((2, 6, 5, 2))
    for i, j in np.ndindex(6, 5):
        patch = gray[:, i : i + 3, j : j + 3]
        expected[:, i, j] = np.stack([(patch * w).sum((1, 2)) for w in (ACROSS, ACROSS.T)], -1)
    assert_allclose(gradients(jnp.asarray(x)), expected, atol=1e-5)


def test_the_network_sees_gradients_alone():
    options = dict(depth=(1,), base=4, stem="cifar", zero_init=False)
    net, plain, x = sobel_resnet(**options), resnet(**options), jnp.asarray(images(), jnp.float32)
    params, stats = drawn(net, x)
    assert params["stem"]["conv"]["kernel"].shape[2] == 2
    run = jax.jit(lambda x: net.apply(params, stats, x, train=True))
    (y, new), (other, same) = run(x), jax.jit(lambda x: plain.apply(params, stats, x, train=True))(gradients(x))
    jax.tree.map(assert_allclose, (y, new), (other, same))
    assert_allclose(run(x[..., ::-1])[0]["pool"], y["pool"], rtol=1e-4, atol=1e-5)  # which channel is which
