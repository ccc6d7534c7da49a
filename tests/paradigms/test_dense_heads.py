"""DenseCL whole: what the shuffle of its keys must undo, and where the two terms are the same."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.methods import densecl, moco_v2
from ssl_jax.nets import heads, resnet
from tests.laws import tiny

OPTIONS = dict(queue=32, ema_decay=lambda step: jnp.float32(0.9))


def made(**options):
    encoder = resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", dtype="float64")
    head, dense = (heads.mlp(widths=(16, 8), norm="none", dtype="float64") for _ in range(2))
    return encoder, head, densecl.densecl(encoder, head, dense, **OPTIONS, **options)


def started(method):
    batch = jax.tree.map(jnp.asarray, tiny.batch("densecl", 0))
    batch["global"] = batch["global"].astype(jnp.float64) / 64 - 2
    return (*jax.jit(method.init)(jax.random.key(1), batch), batch)


def loss(method, params, state, batch, seed=0):
    return jax.jit(method.loss)(params, state, batch, jax.random.key(seed), jnp.zeros((), jnp.int32))


def test_the_shuffle_of_keys_leaves_no_trace(strict):
    """With global batch norm the order in which keys are made says nothing, unless some of them stay in it."""
    method = made()[2]
    params, state, batch = started(method)
    (one, first), (two, second) = (loss(method, params, state, batch, seed) for seed in (2, 3))
    assert_allclose(one, two, rtol=1e-12)
    keys = (aux.carry["seen"].teacher for aux in (first, second))
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-9, atol=1e-12), *keys)


def test_the_image_term_is_that_of_moco(strict):
    encoder, head, method = made()
    params, state, batch = started(method)
    _, aux = loss(method, params, state, batch)
    moco = moco_v2.moco_v2(encoder, head, **OPTIONS)
    held = {**state, "criterion": state["criterion"]["images"]}
    value, _ = loss(moco, {**params, "criterion": {}}, held, batch)
    assert_allclose(aux.metrics["images/loss"], value, rtol=1e-10)
    assert 1 / 64 <= aux.metrics["places/matches"] <= 1


def test_the_weight_divides_the_loss(strict):
    method = made(dense_weight=0.25)[2]
    params, state, batch = started(method)
    value, aux = loss(method, params, state, batch)
    both = np.array([aux.metrics[f"{name}/loss"] for name in ("images", "places")])
    assert_allclose(value, both @ [0.75, 0.25], rtol=1e-12)
