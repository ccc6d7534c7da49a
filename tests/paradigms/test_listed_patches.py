"""DINOv2's head of patches sees the hidden ones alone: the numbers are those of the head at every patch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import balanced, lenses
from ssl_jax.losses import clustering, distillation
from ssl_jax.methods.dinov2 import dinov2
from ssl_jax.nets import heads, resnet, vit
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.tasks import masks
from ssl_jax.types import Criterion

EMA = {"ema_decay": lambda step: jnp.float32(0.9)}
SHARP = {"teacher_temperature": lambda step: jnp.float32(0.25)}


def at_every_patch():
    """The loss of hidden patches alone, of logits of all."""

    def loss(params, state, seen):
        hidden, logits = seen.batch["hidden"], jax.lax.stop_gradient(seen.teacher["dense"])
        flat = clustering.sinkhorn(logits.reshape(-1, 16), epsilon=0.25, iterations=3, where=hidden.reshape(-1))
        target, said = flat.reshape(logits.shape), seen.student["dense"] / 0.1
        each = [distillation.hidden_cross_entropy(target[:, i], said[:, i], hidden[:, i]) for i in range(2)]
        return (each[0] + each[1]) / 2, {}

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)


def test_values_and_gradients_are_those_of_the_head_at_every_patch(strict):
    head = heads.linear(out=16, dtype="float64")
    encoder = vit.vit(variant=(8, 1, 2, 4), mask_token=True, dtype="float64")
    drawn = masks.evenly(0.5, (0.1, 0.5), among=4, shape="random")
    options = dict(dense=heads.linear(out=16, dtype="float64"), through=encode.joint, **EMA)
    criterion = lenses.at(balanced.balanced_patches(**SHARP), name="dense")
    listed = self_distillation(encoder, head, criterion, hide=drawn.hide, listed=drawn.listed, **options)
    full = self_distillation(encoder, head, at_every_patch(), hide=drawn.hide, **options)
    images = np.random.default_rng(0).normal(size=(8, 2, 16, 16, 3))
    batch = {"global": jnp.asarray(images), "index": jnp.arange(8, dtype=jnp.int32)}
    params, state = jax.jit(listed.init)(jax.random.key(1), batch)

    def loss(method):
        return lambda params: method.loss(params, state, batch, jax.random.key(2), jnp.zeros((), jnp.int32))

    both = [jax.value_and_grad(loss(method), has_aux=True) for method in (listed, full)]
    ((value, aux), slopes), ((expected, _), expected_slopes) = jax.jit(lambda params: [f(params) for f in both])(params)
    assert 0.1 < aux.metrics["hidden"] < 0.2 and value > 0.1
    assert aux.carry["seen"].student["dense"].shape == (8, 1, 6, 16)  # 3 + 4 + 5 + 6 + 8 of 128 patches in a group
    assert_allclose(value, expected, rtol=1e-10)
    assert min(norm(slopes[part]) for part in ("encoder", "dense")) > 1e-3
    jax.tree.map(lambda a, b: assert_allclose(a, b, atol=1e-10), slopes, expected_slopes)


def norm(tree):
    return np.sqrt(sum((np.asarray(a) ** 2).sum() for a in jax.tree.leaves(tree)))


def test_an_encoder_without_patches_is_refused():
    head = heads.linear(out=16)
    method = dinov2(resnet.resnet(depth=(1, 1), base=4, stem="cifar"), head, head, **SHARP, **EMA)
    batch = {"global": jnp.zeros((8, 2, 16, 16, 3)), "index": jnp.arange(8, dtype=jnp.int32)}
    with pytest.raises(ValueError, match="the method hides patches, and the encoder has only maps, pool: take a vit"):
        jax.eval_shape(method.init, jax.random.key(0), batch)
