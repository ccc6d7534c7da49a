"""Two predictors of one projection."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.criteria import lenses, pairs
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from tests.laws import tiny


def test_each_gets_the_projection_and_moves_its_own_statistics(strict):
    encoder = resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", dtype="float64")
    nets = [heads.mlp(widths=(5, 8), dtype="float64") for _ in range(3)]
    predictors = dict(predictor=nets[1], second_predictor=nets[2])
    criterion = lenses.at(pairs.byol(), name="second_prediction", teacher="projection")
    method = self_distillation(encoder, nets[0], criterion, ema_decay=lambda step: jnp.float32(0.9), **predictors)
    batch = jax.tree.map(jnp.asarray, tiny.batch("byol", 0))
    batch["global"] = batch["global"].astype(jnp.float64) / 64 - 2
    params, state = jax.jit(method.init)(jax.random.key(1), batch)
    step = jnp.zeros((), jnp.int32)
    value, aux = jax.jit(method.loss)(params, state, batch, jax.random.key(2), step)
    seen, new = aux.carry["seen"], aux.carry["stats"]
    for name, net in predictors.items():
        args = (net, params[name], state["stats"][name], seen.student["projection"])
        expected, stats = jax.jit(lambda *a, net=net: encode.each(net, *a, train=True))(*args[1:])
        assert_allclose(seen.student[encode.SAID[name]], expected, rtol=1e-10)
        jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-10), new[name], stats)
    assert_allclose(
        value,
        pairs.byol().loss(
            {}, {}, seen._replace(student=seen.student["second_prediction"], teacher=seen.teacher["projection"])
        )[0],
        rtol=1e-10,
    )
    assert set(method.update(state, params, aux.carry, step)["teacher"]) == {"encoder", "projector"}
    assert np.any(params["second_predictor"]["linear1"]["kernel"] != params["predictor"]["linear1"]["kernel"])
