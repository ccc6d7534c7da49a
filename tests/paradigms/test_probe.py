import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.paradigms.probe import with_probe
from ssl_jax.types import Aux, Method, Place

KEY = jax.random.key(0)
STEP = jnp.zeros((), jnp.int32)


def plain() -> Method:
    """A method that is one matrix, and refuses parameters it does not know."""

    def only(params):
        assert set(params) == {"encoder"}
        return params["encoder"]

    def init(key, batch):
        return {"encoder": jax.random.normal(key, (6, 5), jnp.zeros(()).dtype)}, {"count": jnp.zeros(())}

    def loss(params, state, batch, key, step):
        h = batch["x"] @ only(params)
        value = jnp.mean(jnp.square(h)) + 0.1 * jax.random.normal(key, (), h.dtype)
        return value, Aux(carry=jnp.ones(()), features=h, metrics={"h": jnp.mean(h)})

    return Method(
        init=init,
        loss=loss,
        update=lambda state, params, carry, step: {"count": state["count"] + carry + 0 * only(params).sum()},
        embed=lambda params, state, inputs: {"pool": inputs["image"] @ only(params)},
        encoders={"encoder": Place("encoder", ("params", "encoder"), ("method_state",))},
    )


def batch(label=(0, 2, -1, 1, 2, -1, 0, 1)):
    x = np.random.default_rng(0).normal(size=(8, 6))
    return {"x": jnp.asarray(x), "label": jnp.asarray(label, jnp.int32)}


def start(method):
    return method.init(KEY, batch())


def filled(params):
    rng = np.random.default_rng(1)
    probe = {"kernel": jnp.asarray(rng.normal(size=(5, 3))), "bias": jnp.asarray(rng.normal(size=3))}
    return {**params, "probe": probe}


def gradients(method, params, state, data):
    return jax.jit(jax.grad(lambda p: method.loss(p, state, data, KEY, STEP)[0]))(params)


def test_the_first_loss_is_log_classes_and_parameters_start_as_without(strict):
    params, state = start(with_probe(plain(), 3))
    _, aux = with_probe(plain(), 3).loss(params, state, batch(), KEY, STEP)
    np.testing.assert_allclose(aux.metrics["probe/loss"], np.log(3), rtol=1e-6)
    np.testing.assert_array_equal(params["encoder"], start(plain())[0]["encoder"])
    assert params["probe"]["kernel"].shape == (5, 3) and params["probe"]["bias"].shape == (3,)


def test_the_encoders_gradient_is_the_same_with_and_without(strict):
    params, state = start(plain())
    without = gradients(plain(), params, state, batch())
    with_it = gradients(with_probe(plain(), 3), filled(params), state, batch())
    np.testing.assert_array_equal(with_it["encoder"], without["encoder"])
    assert np.any(with_it["probe"]["kernel"] != 0)


def test_loss_top1_and_gradient_are_those_of_the_loops_over_labeled_examples(strict):
    params, state = start(plain())
    params, data = filled(params), batch()
    total, aux = with_probe(plain(), 3).loss(params, state, data, KEY, STEP)
    h = np.asarray(data["x"] @ params["encoder"])
    kernel, bias = np.asarray(params["probe"]["kernel"]), np.asarray(params["probe"]["bias"])
    losses, hits, slope = [], [], np.zeros((5, 3))
    for row, label in zip(h, np.asarray(data["label"]), strict=True):
        if label < 0:
            continue
        p = np.exp(row @ kernel + bias) / np.exp(row @ kernel + bias).sum()
        losses.append(-np.log(p[label]))
        hits.append(p.argmax() == label)
        slope += np.outer(row, p - np.eye(3)[label])
    np.testing.assert_allclose(aux.metrics["probe/loss"], np.mean(losses), rtol=1e-10)
    np.testing.assert_allclose(aux.metrics["probe/top1"], np.mean(hits), rtol=1e-10)
    np.testing.assert_allclose(total, aux.metrics["loss"] + np.mean(losses), rtol=1e-10)
    found = gradients(with_probe(plain(), 3), params, state, data)["probe"]["kernel"]
    np.testing.assert_allclose(found, slope / len(losses), rtol=1e-9, atol=1e-12)


def test_metrics_keep_the_methods_own_loss(strict):
    params, state = start(plain())
    value, aux = plain().loss(params, state, batch(), KEY, STEP)
    _, watched = with_probe(plain(), 3).loss(filled(params), state, batch(), KEY, STEP)
    np.testing.assert_array_equal(watched.metrics["loss"], value)
    np.testing.assert_array_equal(watched.metrics["h"], aux.metrics["h"])
    np.testing.assert_array_equal(watched.features, aux.features)


def test_a_batch_without_any_label_moves_nothing(strict):
    params, state = start(plain())
    data = batch(label=[-1] * 8)
    _, aux = with_probe(plain(), 3).loss(filled(params), state, data, KEY, STEP)
    assert float(aux.metrics["probe/loss"]) == 0 == float(aux.metrics["probe/top1"])
    found = gradients(with_probe(plain(), 3), filled(params), state, data)
    assert not np.any(found["probe"]["kernel"]) and np.all(np.isfinite(found["encoder"]))


def test_the_other_functions_see_the_methods_own_parameters():
    method = with_probe(plain(), 3)
    params, state = start(method)
    assert method.update(state, params, jnp.ones(()), STEP)["count"] == 1
    pool = method.embed(params, state, {"image": batch()["x"]})["pool"]
    np.testing.assert_array_equal(pool, batch()["x"] @ params["encoder"])


def test_init_reads_shapes_only():
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), batch())
    params = jax.eval_shape(with_probe(plain(), 3).init, KEY, shapes)[0]
    assert params["probe"]["kernel"].shape == (5, 3)


def test_a_probe_learns_where_the_features_tell():
    method = with_probe(plain(), 3)
    params, state = start(method)
    first = method.loss(params, state, batch(), KEY, STEP)[1].metrics["probe/loss"]
    slope = jax.jit(jax.grad(lambda p: method.loss(p, state, batch(), KEY, STEP)[0]))
    for _ in range(300):
        params = {**params, "probe": jax.tree.map(lambda p, g: p - 0.5 * g, params["probe"], slope(params)["probe"])}
    aux = method.loss(params, state, batch(), KEY, STEP)[1]
    assert aux.metrics["probe/loss"] < 0.2 * first and aux.metrics["probe/top1"] == 1


def test_no_place_for_a_probe_is_a_sentence():
    with pytest.raises(ValueError, match="this batch has none: switch the probe off"):
        with_probe(plain(), 3).init(KEY, {"x": batch()["x"]})
    with pytest.raises(ValueError, match="the method has one already"):
        with_probe(with_probe(plain(), 3), 3).init(KEY, batch())
    with pytest.raises(ValueError, match="at least 2 classes, this dataset has 1"):
        with_probe(plain(), 1).init(KEY, batch())
