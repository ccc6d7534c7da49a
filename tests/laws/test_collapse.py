"""What keeps a method from collapse is what keeps it: with it features stay apart, without it they fall together.

Each control removes the one thing that the paper says does the work, and must collapse within a few hundred small
steps on real images; the whole method must not.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax.criteria import pairs, swapped
from ssl_jax.data.embedded_source import embedded
from ssl_jax.evals import monitors
from ssl_jax.losses import distillation
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Criterion

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


def sizes_after(method, *, rate: float):
    """At the start and after a short training: (spread of the unit projections, 1 isotropic and 0 collapsed; their
    standard deviation as they are).
    """
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
        return (params, state, opt), jnp.stack([monitors.spread(z), z.std(0).mean()])

    run = jax.jit(lambda carry: jax.lax.scan(step, carry, jnp.arange(STEPS, dtype=jnp.int32)))
    _, spreads = run((params, state, optimizer.init(params)))
    return np.asarray(spreads[0]), np.asarray(spreads[-10:].mean(0))


def encoder():
    return resnet.resnet(depth=(1, 1), base=8, stem="half", zero_init=False)


def head(*widths, **options):
    return heads.mlp(widths=widths, **options)


def simsiam():
    net = head(32, 32, last_norm="plain")
    return joint_embedding(encoder(), net, pairs.simsiam(), predictor=head(16, 32), through=encode.each)


def unstopped():
    """SimSiam without predictor and stop-gradient: the gradient flows into both sides, and nothing keeps them apart."""

    def loss(params, state, seen):
        return distillation.negative_cosine(seen.student[:, 0], seen.student[:, 1]), {}

    criterion = Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)
    return joint_embedding(encoder(), head(32, 32), criterion, through=encode.each)


def vicreg(variance: float):
    criterion = pairs.vicreg(invariance=25.0, variance=variance, covariance=0.0 if variance == 0 else 1.0)
    return joint_embedding(encoder(), head(32, 32), criterion, through=encode.each)


def simclr():
    return joint_embedding(encoder(), head(32, 16), pairs.nt_xent(temperature=0.2))


def swav(iterations: int):
    return joint_embedding(encoder(), head(32, 16), swapped.swapped(prototypes=16, iterations=iterations))


WHOLE = {"simclr": simclr, "simsiam": simsiam, "vicreg": lambda: vicreg(25.0), "swav": lambda: swav(3)}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n != "simsiam" else ()) for n in WHOLE])
def test_whole_methods_stay_apart(name):
    _, (spread, _) = sizes_after(WHOLE[name](), rate=0.05)
    assert spread > 0.3, f"{name} has a spread of {spread:.3f}"


def test_simsiam_without_stop_gradient_and_predictor_collapses():
    (before, _), (after, _) = sizes_after(unstopped(), rate=0.05)
    assert after < 0.1 < before, f"the spread went from {before:.3f} to {after:.3f}"


@pytest.mark.slow
def test_vicreg_without_its_variance_term_collapses():
    (_, before), (_, after) = sizes_after(vicreg(0.0), rate=0.05)
    assert after < 0.1 * before, f"the standard deviation went from {before:.3f} to {after:.3f}"
