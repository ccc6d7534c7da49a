"""The optimizer from data: rules, groups, clipping, freezing, errors, any sharding, any checkpoint."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from ssl_jax.config.durations import Clock
from ssl_jax.optim import chain, lars, leaves, schedules

CLOCK = Clock(examples=40, batch=8, total=50)  # 10 epochs of 5 steps


def tree(seed=0, dtype=jnp.float32):
    draw = np.random.default_rng(seed).normal
    shapes = {
        "encoder": {
            "conv": {"kernel": (3, 3, 2, 8), "bias": (8,)},
            "layers": {"kernel": (2, 8, 8)},
        },
        "predictor": {"dense": {"kernel": (8, 16), "bias": (16,)}},
        "criterion": {"prototypes": (8, 24)},
    }
    return jax.tree.map(lambda s: jnp.asarray(draw(size=s), dtype), shapes, is_leaf=lambda x: isinstance(x, tuple))


def run(optimizer, params, steps=5):
    gradients = tree(7, params["predictor"]["dense"]["bias"].dtype)

    def step(i, params, state):
        updates, state = optimizer.update(jax.tree.map(lambda g: g * i, gradients), state, params)
        return optax.apply_updates(params, updates), state

    state, step = jax.jit(optimizer.init)(params), jax.jit(step, donate_argnums=(2,))
    for i in range(steps):
        params, state = step(1.0 + i, params, state)
    return params, state


def make(name="sgd", lr=0.1, **options):
    return chain.make(name=name, clock=CLOCK, lr=lr, **options)


def assert_close(a, b, rtol=1e-6):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-7), a, b)


MATRICES = leaves.mask(leaves.is_vector)
RISING = dict(kind="constant", peak=0.1, warmup="1 epoch")


@pytest.mark.parametrize(
    ("name", "options", "want"),
    [
        (
            "adamw",
            dict(weight_decay=0.3, b2=0.95),
            lambda lr: optax.adamw(lr, b2=0.95, weight_decay=0.3, mask=MATRICES),
        ),
        ("adamw", dict(weight_decay=0.3, decay_1d=True), lambda lr: optax.adamw(lr, weight_decay=0.3)),
        (
            "sgd",
            dict(weight_decay=0.3, decay_1d=True),
            lambda lr: optax.chain(optax.add_decayed_weights(0.3), optax.sgd(lr, 0.9)),
        ),
        ("sgd", dict(momentum=0.5, nesterov=True), lambda lr: optax.sgd(lr, 0.5, True)),
        ("larc", dict(weight_decay=0.1), lambda lr: lars.larc(lr, weight_decay=0.1)),
        (
            "lars_momentum_then_rate",
            dict(weight_decay=dict(kind="cosine", start=0.04, end=0.4)),
            lambda lr: lars.lars_momentum_then_rate(
                lr, weight_decay=schedules.make(dict(kind="cosine", start=0.04, end=0.4), CLOCK)
            ),
        ),
    ],
)
def test_a_rule_by_name_is_that_rule(name, options, want):
    got, _ = run(make(name, RISING, **options), tree())
    assert_close(got, run(want(schedules.make(RISING, CLOCK)), tree())[0])


def test_biases_and_norms_are_not_decayed_unless_asked_for():
    """MAE's and DINO's masks: with zero gradients only decay moves, by lr * wd, once."""
    zero, params = jax.tree.map(jnp.zeros_like, tree()), tree()
    for decay_1d in (False, True):
        for name in ("sgd", "adamw"):
            optimizer = make(name, 0.1, weight_decay=0.05, decay_1d=decay_1d)
            updates, _ = optimizer.update(zero, optimizer.init(params), params)
            is_vector = leaves.map_paths(leaves.is_vector, params)
            decayed = jax.tree.map(lambda p, v: p * (-0.005 if decay_1d or not v else 0.0), params, is_vector)  # noqa: B023
            assert_close(updates, decayed)


def test_simsiam_predictor_keeps_its_rate():
    cosine = dict(kind="cosine", peak=0.05, per=256)
    groups = (dict(match="^predictor/", lr=dict(kind="constant", peak=0.05, per=256)),)
    optimizer = make("sgd", cosine, momentum=0.0, groups=groups)
    params = tree()
    ones, state = jax.tree.map(jnp.ones_like, params), optimizer.init(params)
    update = jax.jit(optimizer.update)
    for step in range(50):
        updates, state = update(ones, state, params)
        peak = 0.05 * 8 / 256
        np.testing.assert_allclose(updates["predictor"]["dense"]["kernel"], -peak, rtol=1e-6)
        falling = peak * (1 + np.cos(np.pi * step / 50)) / 2
        np.testing.assert_allclose(updates["encoder"]["conv"]["bias"], -falling, rtol=1e-5)


def test_barlow_has_a_rate_for_weights_and_one_for_vectors():
    groups = (dict(match="", vectors=True, lr=dict(kind="constant", peak=0.0048, per=256)),)
    lr = dict(kind="constant", peak=0.2, per=256)
    params, grads = tree(), tree(7)
    optimizer = make("lars_momentum_then_rate", lr, weight_decay=1e-6, groups=groups)
    updates, _ = optimizer.update(grads, optimizer.init(params), params)
    scale = 8 / 256
    conv, g = updates["encoder"]["conv"], grads["encoder"]["conv"]
    np.testing.assert_allclose(conv["bias"], -0.0048 * scale * g["bias"], rtol=1e-6)
    ratio = np.linalg.norm(conv["kernel"]) / np.linalg.norm(params["encoder"]["conv"]["kernel"])
    np.testing.assert_allclose(ratio, 0.001 * 0.2 * scale, rtol=1e-5)


def test_the_first_group_that_fits_has_the_parameter_and_overrides_only_what_it_says():
    groups = (
        dict(match="dense/bias", multiple=10.0),
        dict(match="dense", momentum=0.0),
        dict(match="conv", name="adamw", lr=0.01, b1=0.5),
    )
    got, _ = run(make("sgd", 0.1, momentum=0.5, nesterov=True, groups=groups), tree())
    plain, _ = run(optax.sgd(0.1, 0.5, True), tree())
    fast, _ = run(optax.sgd(1.0, 0.5, True), tree())
    bare, _ = run(optax.sgd(0.1, 0.0, True), tree())
    adam, _ = run(optax.adamw(0.01, b1=0.5, weight_decay=0.0), tree())
    assert_close(got["predictor"]["dense"]["bias"], fast["predictor"]["dense"]["bias"])
    assert_close(got["predictor"]["dense"]["kernel"], bare["predictor"]["dense"]["kernel"])
    assert_close(got["encoder"]["conv"], adam["encoder"]["conv"])
    assert_close(got["criterion"], plain["criterion"])


@pytest.mark.parametrize("name", sorted(chain.RULES))
def test_frozen_for_good_moves_nothing_and_keeps_nothing(name):
    optimizer = make(name, weight_decay=0.5, groups=(dict(match="^criterion", freeze="always"),))
    got, state = run(optimizer, tree())
    np.testing.assert_array_equal(got["criterion"]["prototypes"], tree()["criterion"]["prototypes"])
    assert not np.array_equal(got["encoder"]["conv"]["kernel"], tree()["encoder"]["conv"]["kernel"])
    assert tree()["criterion"]["prototypes"].shape not in [x.shape for x in jax.tree.leaves(state)]


@pytest.mark.parametrize(
    ("name", "freeze"), [*((name, "1 epoch") for name in sorted(chain.RULES)), ("sgd", "5 steps"), ("sgd", "10 %")]
)
def test_frozen_for_an_epoch_leaves_parameters_and_moments_as_at_the_start(name, freeze):
    optimizer = make(name, weight_decay=0.5, groups=(dict(match="^criterion", freeze=freeze, unit_norm=0),))
    start = tree()["criterion"]["prototypes"]
    got, state = run(optimizer, tree(), 5)
    np.testing.assert_array_equal(got["criterion"]["prototypes"], start)
    moments = [x for x in jax.tree.leaves(state) if x.shape == start.shape]
    assert moments and not any(np.any(x) for x in moments)
    got, state = run(optimizer, tree(), 6)
    np.testing.assert_allclose(np.linalg.norm(got["criterion"]["prototypes"], axis=0), 1.0, atol=2e-7)
    assert any(np.any(x) for x in jax.tree.leaves(state) if x.shape == start.shape)


def test_the_rest_of_the_run_does_not_feel_the_freeze():
    free, _ = run(make("adamw"), tree())
    got, _ = run(make("adamw", groups=(dict(match="^criterion", freeze="2 steps"),)), tree())
    assert_close(got["encoder"], free["encoder"])


def test_clipping_of_all_of_each_and_of_a_group():
    params, grads = tree(), tree(7)
    still = jax.tree.map(lambda p: p * 0, params)

    def updates(**options):
        optimizer = make("sgd", 1.0, momentum=0.0, **options)
        return optimizer.update(grads, optimizer.init(still), still)[0]

    np.testing.assert_allclose(optax.tree.norm(updates(clip_global=3.0)), 3.0, rtol=1e-5)
    each = updates(clip_each=0.5)
    for path, x in jax.tree_util.tree_leaves_with_path(each):
        stacked = leaves.stacked(jax.tree_util.keystr(path, simple=True, separator="/"))
        norms = [np.linalg.norm(layer) for layer in x] if stacked else [np.linalg.norm(x)]
        np.testing.assert_allclose(norms, 0.5, rtol=1e-5)
    part = updates(groups=(dict(match="^encoder", clip_global=3.0),))
    np.testing.assert_allclose(optax.tree.norm(part["encoder"]), 3.0, rtol=1e-5)
    assert_close(part["predictor"], jax.tree.map(jnp.negative, grads["predictor"]))
    frozen = updates(clip_global=3.0, groups=(dict(match="^encoder", freeze="always"),))
    np.testing.assert_allclose(optax.tree.norm(frozen), 3.0, rtol=1e-5)
    probe = updates(clip_global=3.0, groups=(dict(match="^predictor", name="sgd", momentum=0.0),))
    np.testing.assert_allclose(optax.tree.norm({**probe, "predictor": {}}), 3.0, rtol=1e-5)
    assert_close(probe["predictor"], jax.tree.map(jnp.negative, grads["predictor"]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(name="adam_w"), "no 'adam_w' in the optimizers; did you mean adamw"),
        (dict(momentun=0.9), "no 'momentun' in the options of sgd; did you mean momentum"),
        (dict(clip_global=0.0), "clip_global=0.0 would stop all learning"),
        (dict(groups=(dict(lr=0.1),)), "has no `match`"),
        (dict(groups=(dict(match="a("),)), "no regular expression"),
        (dict(groups=(dict(match="x", b1=0.9),)), "no 'b1' in the options of sgd"),
        (dict(groups=(dict(match="x", unit_norm=True),)), "it takes None or int"),
        (dict(groups=(dict(match="x", freeze="a while"),)), "'a while' is no duration"),
    ],
)
def test_bad_options_are_refused_in_words(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make(**{"name": "sgd", **options})


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ((dict(match="^predictr/"),), "a group fits no parameter: no .* in their paths; did you mean predictor/dense"),
        ((dict(match="predictor"), dict(match="dense/bias")), "but earlier groups have them all"),
        ((dict(match="prototypes", vectors=True),), "none is free with vectors=True"),
    ],
)
def test_a_group_without_parameters_is_refused_with_the_nearest_paths(groups, words):
    with pytest.raises(ValueError, match=words):
        make(groups=groups).init(tree())


GROUPS = (
    dict(match="prototypes", freeze="2 steps", unit_norm=0),
    dict(match="predictor", multiple=2.0, clip_global=1.0),
    dict(match="conv/bias", freeze="always"),
)


@pytest.mark.parametrize("name", ["adamw", "lars_rate_then_momentum"])
def test_sharded_parameters_give_the_same_run(name):
    with jax.enable_x64(True):
        optimizer = make(name, RISING, weight_decay=0.1, clip_each=2.0, clip_global=3.0, groups=GROUPS)
        want, _ = run(optimizer, tree(dtype=jnp.float64), 3)
        mesh = jax.make_mesh((8,), ("fsdp",), axis_types=(AxisType.Auto,))

        def shard(x):
            return jax.device_put(x, NamedSharding(mesh, PartitionSpec(*(None,) * (x.ndim - 1), "fsdp")))

        got, state = run(optimizer, jax.tree.map(shard, tree(dtype=jnp.float64)), 3)
        assert_close(got, want, 1e-12)
        assert {x.dtype for x in jax.tree.leaves(state)} <= {jnp.dtype("float64"), jnp.dtype("int32")}


@pytest.mark.parametrize("name", ["adamw", "larc_clipped"])
def test_the_state_survives_a_checkpoint_and_is_float32(name, tmp_path):
    optimizer = make(name, RISING, weight_decay=dict(kind="cosine", start=0.04, end=0.4), groups=GROUPS)
    params, state = run(optimizer, tree(), 4)
    assert {x.dtype for x in jax.tree.leaves(state)} <= {jnp.dtype("float32"), jnp.dtype("int32")}
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        back = checkpointer.restore(tmp_path / "state", jax.eval_shape(optimizer.init, params))
    assert jax.tree.structure(back) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, back, state)


def test_a_layer_rate_slows_what_lies_deep_in_the_encoder():
    params = {
        "encoder": {"patch_embed": {"kernel": (4, 8)}, "layers": {"kernel": (2, 8, 8)}},
        "head": {"kernel": (8, 3)},
    }
    params = jax.tree.map(jnp.ones, params, is_leaf=lambda x: isinstance(x, tuple))
    groups = (dict(match="patch_embed", multiple=0.2),)

    def moved(**options):
        optimizer = chain.make(name="sgd", clock=CLOCK, lr=1.0, groups=groups, momentum=0.0, **options)
        return optimizer.update(params, optimizer.init(params), params)[0]

    plain, layered = moved(), moved(layer_rate=0.5)
    ratio = jax.tree.map(lambda a, b: np.unique(np.asarray(b / a)).tolist(), plain, layered)
    assert ratio == {
        "encoder": {"patch_embed": {"kernel": [0.125]}, "layers": {"kernel": [0.25, 0.5]}},
        "head": {"kernel": [1.0]},
    }
    with pytest.raises(ValueError, match="layer_rate is 1.5"):
        moved(layer_rate=1.5)
