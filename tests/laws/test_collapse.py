"""Methods do not collapse: after a short training on real images their projections are still apart."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax import monitors
from ssl_jax.criteria import pairs, swapped
from ssl_jax.data.embedded_source import embedded
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding

STEPS, BATCH = 150, 64


def images() -> np.ndarray:
    """Real ones: [n, 28, 28, 1] in 0..1."""
    source = embedded("fashion_mnist/test")
    return np.stack([np.asarray(source.read(i)[0], np.float32) for i in range(512)]) / 255


def views(key, rows):
    """Two shifted views with noise of each image: [b, 2, 28, 28, 1]."""
    place, grain = jax.random.split(key)
    shift = jax.random.randint(place, (rows.shape[0], 2, 2), -3, 4)
    moved = jax.vmap(lambda x, s: jax.vmap(lambda d: jnp.roll(x, d, (0, 1)))(s))(rows, shift)
    return moved * 2 - 1 + 0.1 * jax.random.normal(grain, moved.shape)


def spread_after(method, *, rate: float) -> float:
    """The spread of the unit projections after a short training: 1 isotropic, 0 collapsed."""
    data, optimizer = jnp.asarray(images()), optax.sgd(rate, 0.9)
    ids = {"index": jnp.arange(BATCH, dtype=jnp.int32), "label": jnp.full(BATCH, -1, jnp.int32)}

    def batch(key):
        place, look = jax.random.split(key)
        rows = data[jax.random.randint(place, (BATCH,), 0, data.shape[0])]
        return {"global": views(look, rows), **ids}

    params, state = jax.jit(method.init)(jax.random.key(0), batch(jax.random.key(1)))

    def step(carry, i):
        params, state, opt = carry
        key = jax.random.fold_in(jax.random.key(2), i)
        (_, aux), grads = jax.value_and_grad(method.loss, has_aux=True)(params, state, batch(key), key, i)
        updates, opt = optimizer.update(grads, opt)
        params = optax.apply_updates(params, updates)
        state = method.update(state, params, aux.carry, i)
        z = aux.carry["seen"].student[:, 0]
        return (params, state, opt), monitors.spread(z)

    run = jax.jit(lambda carry: jax.lax.scan(step, carry, jnp.arange(STEPS, dtype=jnp.int32)))
    _, spreads = run((params, state, optimizer.init(params)))
    return float(spreads[-10:].mean())


def encoder():
    return resnet.resnet(depth=(1, 1), base=8, stem="half", zero_init=False)


def head(*widths, **options):
    return heads.mlp(widths=widths, **options)


def simsiam():
    net = head(32, 32, last_norm="plain")
    return joint_embedding(encoder(), net, pairs.simsiam(), predictor=head(16, 32), through=encode.each)


def vicreg():
    return joint_embedding(encoder(), head(32, 32), pairs.vicreg(), through=encode.each)


def simclr():
    return joint_embedding(encoder(), head(32, 16), pairs.nt_xent(temperature=0.2))


def swav():
    return joint_embedding(encoder(), head(32, 16), swapped.swapped(prototypes=16))


WHOLE = {"simclr": simclr, "simsiam": simsiam, "vicreg": vicreg, "swav": swav}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n != "simsiam" else ()) for n in WHOLE])
def test_whole_methods_stay_apart(name):
    spread = spread_after(WHOLE[name](), rate=0.05)
    assert spread > 0.3, f"{name} has a spread of {spread:.3f}"
