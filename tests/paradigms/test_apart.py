"""Students that see no view of their teacher's, and only some patches of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.methods.msn import msn
from ssl_jax.methods.tico import tico
from ssl_jax.nets import heads, resnet, vit
from ssl_jax.paradigms import encode
from tests.laws import tiny

SCHEDULES = {"ema_decay": lambda step: jnp.float32(0.9), "target_temperature": lambda step: jnp.float32(0.25)}


def started(method, name):
    batch = jax.tree.map(jnp.asarray, tiny.augment(jax.random.key(3), tiny.batch(name, 0)))
    params, state = jax.jit(method.init)(jax.random.key(1), batch)
    loss = jax.jit(lambda batch: method.loss(params, state, batch, jax.random.key(2), jnp.zeros((), jnp.int32))[1])
    return batch, lambda batch: loss(batch).carry["seen"]


def test_each_side_sees_its_own_views():
    encoder = resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar")
    made = tico(encoder, heads.mlp(widths=(16, 8)), ema_decay=SCHEDULES["ema_decay"])
    batch, seen = started(made, "tico")
    first, last = (seen({**batch, "global": batch["global"].at[:, i].multiply(-1)}) for i in (0, 1))
    plain = seen(batch)
    assert plain.student["projection"].shape == plain.teacher["projection"].shape == (16, 1, 8)
    assert_allclose(last.student["projection"], plain.student["projection"], rtol=1e-6)
    assert_allclose(first.teacher["projection"], plain.teacher["projection"], rtol=1e-6)
    assert np.abs(first.student["projection"] - plain.student["projection"]).max() > 1e-3
    assert np.abs(last.teacher["projection"] - plain.teacher["projection"]).max() > 1e-3


def test_one_view_is_refused_with_its_number():
    with pytest.raises(ValueError, match="the teacher sees the last view of group 'global'.* there is 1 of them"):
        encode.apart([jnp.zeros((4, 1, 8, 8, 3))])


def test_dropped_patches_are_those_of_the_student_alone():
    made = msn(vit.vit(variant=(16, 2, 2, 4)), heads.mlp(widths=(8,), norm="none"), drop=0.5, **SCHEDULES)
    batch, seen = started(made, "msn")
    plain, changed = seen(batch), []
    for patch in range(16):
        row, column = 4 * (patch // 4), 4 * (patch % 4)
        views = batch["global"].at[:, :, row : row + 4, column : column + 4].add(1)
        other = seen({**batch, "global": views})
        moved = [
            np.abs(getattr(other, side)["projection"] - getattr(plain, side)["projection"]).max((0, 2))
            for side in ("student", "teacher")
        ]
        assert moved[1][0] > 1e-5, "the teacher sees every patch"
        assert not moved[0][1:].any(), "small crops have not changed"
        changed.append(bool(moved[0][0] > 1e-5))
    assert sum(changed) == 8


def test_a_network_without_patches_is_refused_in_words():
    encoder = resnet.resnet(depth=(1, 1), base=4, stem="cifar")
    made = msn(encoder, heads.mlp(widths=(16, 8)), **SCHEDULES)
    with pytest.raises(ValueError, match="the method hides patches, and the encoder has only maps, pool: take a vit"):
        started(made, "msn")
