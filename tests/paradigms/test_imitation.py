"""A finished teacher: it stays as it is, and its student learns what it knows."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax import step as steps
from ssl_jax.criteria import distilled, lenses
from ssl_jax.methods.knowledge_distillation import knowledge_distillation
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms.imitation import imitation
from tests.laws import real

EXAMPLES, BATCH, EPOCHS = 512, 64, 20


def small(base: int):
    return resnet.resnet(depth=(1, 1), base=base, stem="half", zero_init=False)


def started(method, batch):
    params, state = jax.jit(method.init)(jax.random.key(0), batch)
    return params, state


def batch(views=1):
    images = jax.random.normal(jax.random.key(1), (16, views, 16, 16, 1))
    return {"global": images, "index": jnp.arange(16), "label": jnp.full(16, -1)}


def test_the_teacher_is_in_evaluation_mode_and_never_moves():
    method, data = knowledge_distillation(small(4), heads.linear(out=16), small(8), soft_weight=1.0), batch()
    state = steps.init(method, optax.adam(0.1), jax.random.key(0), data)
    before = jax.device_get((state.method_state["teacher"], state.method_state["teacher_stats"]))
    step = jax.jit(steps.make_step(method, optax.adam(0.1), lambda key, batch: batch))
    for _ in range(3):
        state, _ = step(state, data, jax.random.key(2))
    after = jax.device_get((state.method_state["teacher"], state.method_state["teacher_stats"]))
    jax.tree.map(np.testing.assert_array_equal, before, after)
    assert set(state.params) == {"encoder", "projector", "criterion"}  # no optimizer's mask is needed
    # what one image is told does not depend on the others of its batch
    known = lambda rows: small(8).apply(*before, rows, train=False)[0]["pool"]  # noqa: E731
    np.testing.assert_allclose(known(data["global"][:1, 0]), known(data["global"][:, 0])[:1], rtol=1e-5, atol=1e-6)


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    net, data = small(4), batch()
    criterion = lenses.at(distilled.features(), name="projection", teacher="pool")
    method = imitation(net, heads.identity(), net, criterion)
    params, state = started(method, data)
    y, _ = net.apply(params["encoder"], state["stats"]["encoder"], data["global"][:, 0], train=True)
    same = {**state, "teacher": params["encoder"]}
    value, aux = method.loss(params, same, data, jax.random.key(0), jnp.int32(0))
    theirs, _ = net.apply(params["encoder"], state["teacher_stats"], data["global"][:, 0], train=False)
    expected = ((np.asarray(y["pool"]) - np.asarray(theirs["pool"])) ** 2).sum(-1).mean()
    np.testing.assert_allclose(value, expected, rtol=1e-4)  # batch statistics for running ones: all that differs


def test_the_student_learns_what_the_teacher_knows():
    rows = real.images("train", EXAMPLES)
    method = knowledge_distillation(small(4), heads.linear(out=16), small(8))
    views = lambda key: real.crops(key, rows, count=1)  # noqa: E731
    options = {"xla_backend_optimization_level": 1}
    states, metrics = real.train(method, optax.adam(2e-2), views, batch=BATCH, epochs=EPOCHS, options=options)
    known = metrics["features/teacher/explained"]
    assert known[:4].mean() < 0 and known[-8:].mean() > 0.5, known
