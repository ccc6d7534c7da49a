"""What keeps a method from collapse is what keeps it: with it features stay apart, without it they fall together.

Each control removes the one thing that the paper says does the work, and must collapse within a few hundred small
steps on real images; the whole method must not.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax.criteria import centred, pairs, swapped
from ssl_jax.data.embedded_source import embedded
from ssl_jax.evals import monitors
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.paradigms.self_distillation import self_distillation

STEPS, BATCH = 150, 64


def images() -> np.ndarray:
    """Real ones: [n, 28, 28, 1] in 0..1."""
    source = embedded("fashion_mnist/test")
    rows, _ = source.gather(np.arange(1024))
    return np.asarray(rows, np.float32) / 255


def views(key, rows):
    """Two shifted views with noise of each image: [b, 2, 28, 28, 1]."""
    place, grain = jax.random.split(key)
    shift = jax.random.randint(place, (rows.shape[0], 2, 2), -3, 4)
    moved = jax.vmap(lambda x, s: jax.vmap(lambda d: jnp.roll(x, d, (0, 1)))(s))(rows, shift)
    return moved * 2 - 1 + 0.1 * jax.random.normal(grain, moved.shape)


def spread_after(method, *, rate: float) -> tuple[float, float]:
    """Spread of the projections (1 isotropic, 0 collapsed) at the start and after a short training."""
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
        return (params, state, opt), monitors.spread(aux.carry["seen"].student[:, 0])

    run = jax.jit(lambda carry: jax.lax.scan(step, carry, jnp.arange(STEPS, dtype=jnp.int32)))
    _, spreads = run((params, state, optimizer.init(params)))
    return float(spreads[0]), float(spreads[-10:].mean())


def encoder():
    return resnet.resnet(depth=(1, 1), base=8, stem="half", zero_init=False)


def head(*widths, **options):
    return heads.mlp(widths=widths, **options)


def half(step):
    return jnp.asarray(0.99, jnp.float32)


def simsiam(stopped: bool):
    criterion = pairs.simsiam()
    if not stopped:
        # the gradient also flows into the other side: nothing keeps the two from meeting in one point
        def loss(params, state, seen):
            return criterion.loss(params, state, seen._replace(teacher=seen.student))

        criterion = criterion._replace(loss=loss)
        return joint_embedding(encoder(), head(32, 32), criterion, through=encode.each)
    return joint_embedding(
        encoder(), head(32, 32, last_norm="plain"), criterion, predictor=head(16, 32), through=encode.each
    )


def vicreg(variance: float):
    criterion = pairs.vicreg(invariance=25.0, variance=variance, covariance=0.0 if variance == 0 else 1.0)
    return joint_embedding(encoder(), head(32, 32), criterion, through=encode.each)


def dino(centre_momentum: float, temperature: float):
    criterion = centred.centred(
        teacher_temperature=lambda step: jnp.asarray(temperature, jnp.float32), centre_momentum=centre_momentum
    )
    net = heads.dino_head(out=32, hidden=32, bottleneck=16, layers=2)
    return self_distillation(encoder(), net, criterion, ema_decay=half, through=encode.joint)


def simclr():
    return joint_embedding(encoder(), head(32, 16), pairs.nt_xent(temperature=0.2))


def swav(iterations: int):
    return joint_embedding(encoder(), head(32, 16), swapped.swapped(prototypes=16, iterations=iterations))


@pytest.mark.parametrize("name, method", [("simclr", simclr), ("simsiam", lambda: simsiam(True)),
                                          ("vicreg", lambda: vicreg(25.0)), ("swav", lambda: swav(3))])  # fmt: skip
def test_whole_methods_stay_apart(name, method):
    _, after = spread_after(method(), rate=0.05)
    assert after > 0.3, f"{name} has a spread of {after:.3f}"


@pytest.mark.parametrize("name, method", [("simsiam without stop-gradient and predictor", lambda: simsiam(False)),
                                          ("vicreg without its variance term", lambda: vicreg(0.0))])  # fmt: skip
def test_controls_collapse(name, method):
    before, after = spread_after(method(), rate=0.05)
    assert after < 0.1 < before, f"{name} went from a spread of {before:.3f} to {after:.3f}"
