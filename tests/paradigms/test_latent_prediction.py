"""I-JEPA and data2vec whole: the loss by a second way, what each side sees, what no gradient reaches."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.methods import data2vec, ijepa
from ssl_jax.nets import heads, latent_predictor, resnet, vit
from tests.laws import tiny
from tests.laws.methods import data2vec as small_data2vec
from tests.laws.methods import ijepa as small_ijepa

NAMES = ("ijepa", "data2vec")
SMALL = {"ijepa": (ijepa.ijepa, small_ijepa), "data2vec": (data2vec.data2vec, small_data2vec)}
DECAY, KEY, STEP = 0.9, jax.random.key(3), jnp.zeros((), jnp.int32)


@functools.cache
def made(name):
    """(method, its nets, params, state, batch, its jitted loss with gradients) in float64."""
    make, small = SMALL[name]
    nets = {role: net for role, net in small.nets("float64").items()}
    method = make(**nets, ema_decay=lambda step: jnp.float64(DECAY), **small.ARGUMENTS)
    images = np.random.default_rng(0).normal(size=(4, 1, 16, 16, 3))
    batch = {"global": images, "index": np.arange(4, dtype=np.int32), "label": np.full(4, -1, np.int32)}
    params, state = jax.jit(method.init, compiler_options=tiny.UNOPTIMIZED)(jax.random.key(1), batch)
    # a teacher that is not the student, and a predictor whose output is not small
    state = {**state, "teacher": jax.tree.map(lambda a: a * 1.5, state["teacher"])}
    params = {**params, "predictor": jax.tree.map(lambda a: a * 3, params["predictor"])}
    slopes = jax.value_and_grad(method.loss, (0, 1, 2), has_aux=True, allow_int=True)
    run = jax.jit(slopes, compiler_options=tiny.UNOPTIMIZED)
    return method, nets, params, state, batch, run


def seen(name, images=None):
    method, _, params, state, batch, run = made(name)
    (value, aux), slopes = run(params, state, batch if images is None else {**batch, "global": images}, KEY, STEP)
    return value, aux, slopes


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_reaches_the_teacher(strict, name):
    value, _, (params, state, _) = seen(name)
    assert value > 0.01
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves((params["encoder"]["blocks"], params["predictor"])))
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(state["teacher"]))


@pytest.mark.parametrize("name", NAMES)
def test_the_teacher_sees_all_and_the_student_nothing_of_what_is_hidden(strict, name):
    """Pixels of hidden patches change the targets everywhere, and no prediction."""
    _, aux, (_, _, slope) = seen(name)
    held, images = aux.carry["seen"], made(name)[4]["global"]
    shown = np.asarray(np.abs(slope["global"]).reshape(4, 4, 4, 4, 4, 3).max((2, 4, 5)) > 0).reshape(4, 16)
    assert shown.any(1).all() and not shown.all(1).any()
    changed = images.reshape(4, 4, 4, 4, 4, 3) + np.where(shown, 0.0, 1.0).reshape(4, 4, 1, 4, 1, 1)
    other = seen(name, changed.reshape(images.shape))[1].carry["seen"]
    counts = np.asarray(held.batch["counts"])
    assert_allclose(other.student["places"], held.student["places"], rtol=1e-12)
    moved = np.abs(other.teacher["places"] - held.teacher["places"]).max(-1)
    assert (moved[counts] > 1e-6).all()
    seen_ones = images.reshape(4, 4, 4, 4, 4, 3) + np.where(shown, 1.0, 0.0).reshape(4, 4, 1, 4, 1, 1)
    third = seen(name, seen_ones.reshape(images.shape))[1].carry["seen"]
    assert (np.abs(third.teacher["places"] - held.teacher["places"]).max(-1)[counts] > 1e-6).all()
    assert (np.abs(third.student["places"] - held.student["places"]).max(-1)[counts] > 1e-6).all()


def normalized(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def test_the_targets_and_the_loss_of_ijepa(strict):
    value, aux, _ = seen("ijepa")
    _, nets, _, state, batch, _ = made("ijepa")
    held = aux.carry["seen"]
    y, _ = nets["encoder"].apply(state["teacher"]["encoder"], {}, batch["global"][:, 0], train=False)
    known, counts = normalized(np.asarray(y["tokens"])), np.asarray(held.batch["counts"])
    for i, j in zip(*np.nonzero(counts), strict=True):
        assert np.abs(known[i] - np.asarray(held.teacher["places"][i, j])).max(-1).min() < 1e-10
    error = np.abs(np.asarray(held.student["places"] - held.teacher["places"]))[counts]
    assert_allclose(value, np.where(error < 1, error**2 / 2, error - 0.5).mean(), rtol=1e-10)
    assert_allclose(aux.features, y["pool"], rtol=1e-9)


def test_the_targets_and_the_loss_of_data2vec(strict):
    value, aux, _ = seen("data2vec")
    _, nets, _, state, batch, _ = made("data2vec")
    held = aux.carry["seen"]
    options = dict(train=False, last_layers=1)
    y, _ = nets["encoder"].apply(state["teacher"]["encoder"], {}, batch["global"][:, 0], **options)
    assert_allclose(held.teacher["places"], normalized(normalized(np.asarray(y["layers"][:, 0]))), atol=1e-10)
    counts = np.asarray(held.batch["counts"])
    assert 0 < counts.sum(1).min() and counts.sum(1).max() <= 9
    error = np.abs(np.asarray(held.student["places"] - held.teacher["places"]))[counts]
    assert_allclose(value, np.where(error < 2, error**2 / 4, error - 1).mean(), rtol=1e-10)


def test_instance_norm_is_of_each_feature_over_the_places(strict):
    _, nets, params, state, batch, _ = made("data2vec")
    options = dict(ema_decay=lambda step: jnp.float64(DECAY), instance_norm=True)
    method = data2vec.data2vec(**nets, **options, **small_data2vec.ARGUMENTS)
    _, aux = jax.jit(method.loss, compiler_options=tiny.UNOPTIMIZED)(params, state, batch, KEY, STEP)
    y, _ = nets["encoder"].apply(state["teacher"]["encoder"], {}, batch["global"][:, 0], train=False, last_layers=1)
    places = normalized(np.asarray(y["layers"][:, 0]).swapaxes(1, 2)).swapaxes(1, 2)
    assert_allclose(aux.carry["seen"].teacher["places"], normalized(places), atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_teacher_follows_the_new_parameters_and_spreads_are_told(strict, name):
    method, _, params, state, _, _ = made(name)
    _, aux, _ = seen(name)
    moved = jax.tree.map(lambda a: a + 1, params)
    new = method.update(state, moved, aux.carry, STEP)
    expected = jax.tree.map(lambda t, s: DECAY * t + (1 - DECAY) * s, state["teacher"]["encoder"], moved["encoder"])
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-12), new["teacher"]["encoder"], expected)
    assert 0 < aux.metrics["target/std_of_images"] <= aux.metrics["target/std"] <= 1
    assert 0 < aux.metrics["counts"] <= 1


@pytest.mark.parametrize("name", NAMES)
def test_equal_images_have_no_spread_between_images(strict, name):
    images = made(name)[4]["global"]
    aux = seen(name, np.broadcast_to(images[:1], images.shape))[1]
    assert_allclose(aux.metrics["target/std_of_images"], 0, atol=1e-6)
    assert aux.metrics["target/std"] > 0.01


ENCODER = dict(variant=(16, 2, 2, 4), pool="mean")


@pytest.mark.parametrize(
    ("name", "nets", "words"),
    [
        ("ijepa", {"encoder": vit.vit(**ENCODER)}, "give nets.encoder cls_token=False"),
        ("ijepa", {"encoder": resnet.resnet(depth=(1, 1), base=4)}, "hides patches, .* take a vit"),
        ("data2vec", {"encoder": vit.vit(**ENCODER)}, "give it mask_token=True"),
        ("data2vec", {"predictor": heads.linear(out=8)}, "give nets.predictor out=16"),
    ],
)
def test_nets_that_do_not_fit_are_sentences(name, nets, words):
    make, small = SMALL[name]
    method = make(**{**small.nets("float32"), **nets}, ema_decay=lambda step: jnp.float32(0.9), **small.ARGUMENTS)
    batch = {"global": jnp.zeros((2, 1, 16, 16, 3)), "index": jnp.arange(2), "label": jnp.arange(2)}
    with pytest.raises(ValueError, match=words):
        jax.eval_shape(method.init, jax.random.key(0), batch)


@pytest.mark.parametrize(
    "options", [dict(targets=0), dict(context_share=0.0), dict(context_share=1.5)], ids=lambda o: next(iter(o))
)
def test_bad_options_of_ijepa_are_sentences(options):
    net = latent_predictor.latent_predictor(width=8, layers=1, heads=2)
    with pytest.raises(ValueError, match=next(iter(options))):
        ijepa.ijepa(net, net, ema_decay=lambda step: 0.9, **options)


@pytest.mark.parametrize("options", [dict(layers=0), dict(beta=0.0), dict(hidden=0)])
def test_bad_options_of_data2vec_are_sentences(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        data2vec.data2vec(heads.identity(), heads.identity(), ema_decay=lambda step: 0.9, **options)
