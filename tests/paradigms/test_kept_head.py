"""SimCLR v2: what `embed` gives of the head, and what its memory sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.methods import simclr, simclr_v2, simclr_v2_memory
from ssl_jax.nets import heads, resnet
from tests.laws import tiny

ENCODER = resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar")
HEAD = heads.simclr_projector(widths=(6, 5, 4))
STEP = jnp.zeros((), jnp.int32)


def started(method):
    batch = jax.tree.map(jnp.asarray, tiny.augment(jax.random.key(3), tiny.batch("simclr", 0)))
    params, state = jax.jit(method.init)(jax.random.key(1), batch)
    loss = jax.jit(lambda batch: method.loss(params, state, batch, jax.random.key(2), STEP))
    return params, state, batch, loss


def memory(**options):
    return simclr_v2_memory.simclr_v2_memory(ENCODER, HEAD, queue=32, ema_decay=lambda s: jnp.float32(0.9), **options)


@pytest.mark.parametrize("make", [lambda: simclr_v2.simclr_v2(ENCODER, HEAD), memory])
def test_embed_gives_the_encoder_and_the_first_layer_of_the_head(make):
    method = make()
    params, state, batch, loss = started(method)
    state = method.update(state, params, loss(batch)[1].carry, STEP)
    y = jax.jit(method.embed)(params, state, {"image": batch["global"][:, 0]})
    pool, _ = ENCODER.apply(params["encoder"], state["stats"]["encoder"], batch["global"][:, 0], train=False)
    assert_allclose(y["pool"], pool["pool"], rtol=1e-5)
    head, held = params["projector"], state["stats"]["projector"]["norm1"]
    x = np.asarray(y["pool"]) @ head["linear1"]["kernel"]
    x = (x - held["mean"]) / np.sqrt(held["var"] + 1e-5) * head["norm1"]["scale"] + head["norm1"]["bias"]
    assert y["projection/1"].shape == (16, 6)
    assert_allclose(y["projection/1"], np.maximum(x, 0), rtol=1e-4, atol=1e-5)


def test_without_a_memory_its_loss_is_that_of_simclr_with_the_same_head():
    method, plain = simclr_v2.simclr_v2(ENCODER, HEAD), simclr.simclr(ENCODER, HEAD)
    params, state, batch, loss = started(method)
    expected = jax.jit(lambda: plain.loss(params, state, batch, jax.random.key(2), STEP)[0])()
    assert_allclose(loss(batch)[0], expected, rtol=1e-6)


def test_the_memory_sees_the_first_view_alone_and_the_student_all():
    method = memory()
    _, _, batch, loss = started(method)
    turned = [{**batch, "global": batch["global"].at[:, i].multiply(-1)} for i in (0, 1)]
    plain, first, second = (loss(b)[1].carry["seen"] for b in (batch, *turned))
    assert plain.student["projection"].shape == (16, 2, 4) and plain.teacher["projection"].shape == (16, 1, 4)
    assert_allclose(second.teacher["projection"], plain.teacher["projection"], rtol=1e-6)
    assert np.abs(first.teacher["projection"] - plain.teacher["projection"]).max() > 1e-3
    for other in (first, second):
        assert np.abs(other.student["projection"] - plain.student["projection"]).max() > 1e-3


@pytest.mark.parametrize("head", [heads.identity(), heads.linear(out=4)])
def test_a_head_without_a_layer_to_keep_is_refused_in_words(head):
    method = simclr_v2.simclr_v2(ENCODER, head)
    with pytest.raises(ValueError, match="this one has no other behind it: take simclr_projector or mlp"):
        started(method)
