"""A context encoder and its adversary: what reaches what, and that neither phase moves what is the other's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax import step as steps
from ssl_jax.methods.context_encoder import context_encoder
from ssl_jax.nets import conv_decoder, strided_conv
from ssl_jax.tasks import holes
from tests.laws import real

SIDE, SIZE, BAND = 16, 8, 1


def method(**options):
    return context_encoder(
        strided_conv.conv_encoder(widths=(4, 8)),
        strided_conv.bottleneck(out=8),
        conv_decoder.conv_decoder(size=SIZE, channels=1, widths=(8, 4)),
        strided_conv.conv_discriminator(widths=(4, 8)),
        **{"size": SIZE, "band": BAND, "weight": 0.9, **options},
    )


def batch(seed=0, rows=8):
    x = np.random.default_rng(seed).normal(size=(rows, 1, SIDE, SIDE, 1)).astype(np.float32)
    return {"global": jnp.asarray(x), "index": jnp.arange(rows), "label": jnp.full(rows, -1)}


@pytest.fixture(scope="module")
def started():
    made = method()
    return made, *jax.jit(made.init)(jax.random.key(0), batch())


def equal(a, b) -> bool:
    return jax.tree.all(jax.tree.map(lambda x, y: bool(jnp.array_equal(x, y)), a, b))


def test_each_phase_moves_what_is_its_own_and_nothing_else(started):
    made, params, state = started
    step, (phase,) = jnp.zeros((), jnp.int32), made.phases

    def after(loss):
        aux = loss(params, state, batch(), jax.random.key(1), step)[1]
        return made.update(state, params, aux.carry, step)

    judged, moved = jax.jit(lambda: after(phase.loss))(), jax.jit(lambda: after(made.loss))()
    others = [name for name in state["stats"] if name != "discriminator"]
    assert others and phase.parts == ("discriminator",)
    assert all(equal(judged["stats"][name], state["stats"][name]) for name in others)
    assert not equal(judged["stats"]["discriminator"], state["stats"]["discriminator"])
    assert equal(moved["stats"]["discriminator"], state["stats"]["discriminator"])
    assert not any(equal(moved["stats"][name], state["stats"][name]) for name in ("encoder", "decoder"))


def test_a_step_moves_the_discriminator_by_its_phase_alone(started):
    """Were it moved by the loss too, it would learn to be deceived."""
    made, params, state = started
    held = steps.TrainState(jnp.zeros((), jnp.int32), params, state, None)
    optimizer = optax.sgd(0.1)
    held = held._replace(opt_state=steps.optimized(made, optimizer, params))
    new, metrics = jax.jit(steps.make_step(made, optimizer, lambda key, x: x))(held, batch(), jax.random.key(3))
    grads = jax.jit(lambda p: jax.grad(lambda p: made.phases[0].loss(p, state, batch(), jax.random.key(4), 0)[0])(p))(
        params
    )
    expected = jax.tree.map(lambda p, g: p - 0.1 * g, params["discriminator"], grads["discriminator"])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), new.params["discriminator"], expected)
    assert {"discriminator/loss", "discriminator/real", "discriminator/made", "error", "adversary"} <= set(metrics)


def test_without_a_weight_the_adversary_reaches_nothing(started):
    made, params, state = started
    alone = method(weight=1.0)
    grads = jax.jit(jax.grad(lambda p: alone.loss(p, state, batch(), jax.random.key(1), 0)[0]))(params)
    assert not any(np.any(g) for g in jax.tree.leaves(grads["discriminator"]))
    plain = jax.jit(jax.grad(lambda p: alone.loss(p, state, batch(), jax.random.key(1), 0)[1].metrics["error"]))(params)
    assert not any(np.any(g) for g in jax.tree.leaves(plain)), "metrics carry no gradient"
    assert any(np.any(g) for g in jax.tree.leaves(grads["encoder"]))


def test_what_is_hidden_reaches_the_loss_as_target_alone(started):
    """Other pixels in the hole: the same prediction; the context is never compared."""
    made, params, state = started
    first = batch()
    inner = SIZE - 2 * BAND
    other = holes.pasted(first["global"][:, 0], jnp.ones((8, inner, inner, 1)))[:, None]
    shown = jax.jit(lambda x: made.draw(params, state, {**first, "global": x}, jax.random.key(0))["inpainting"])
    a, b = shown(first["global"]), shown(other)
    np.testing.assert_array_equal(a["filled in"], b["filled in"])
    np.testing.assert_array_equal(a["shown"], b["shown"])
    assert np.array_equal(a["input"], first["global"][:, 0]) and not np.array_equal(a["input"], b["input"])
    middle = np.asarray(holes.center(a["shown"], inner))
    assert (middle == 0).all() and (np.asarray(holes.center(a["shown"], inner + 2))[:, 0] != 0).all()
    rest = np.asarray(a["filled in"]) == np.asarray(a["input"])
    assert rest[:, : (SIDE - SIZE) // 2].all() and not holes.center(rest, SIZE).all()


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"band": 4}, "a band of 4 pixels leaves no hole in a square of 8"),
        ({"weight": 1.5}, "weight is 1.5"),
        ({"size": 20, "band": 0}, "a hole of 20 pixels does not lie inside an image of 16 x 16"),
        ({"size": 10}, r"makes images of \[8, 8, 1\] and is compared with \[10, 10, 1\]: give nets.decoder size=10"),
        ({"color": (0.0, 0.1)}, "color has 2 numbers and the images have 1 channels"),
        ({"hole": "star", "band": 0}, "the hole is 'star'; there are center, blobs, blocks"),
        ({"hole": "blobs"}, "band is 1 pixels, and only a hole in the center has one: with hole='blobs' say band=0"),
        ({"hole": "blobs", "band": 0}, "the whole image is predicted, 16 x 16 pixels, and size is 8"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        jax.eval_shape(method(**options).init, jax.random.key(0), batch())


def test_with_holes_anywhere_what_is_hidden_reaches_the_loss_as_target_alone():
    """Each image has holes of its own, the whole of it is predicted, and what is put back is what was hidden."""
    made = context_encoder(
        strided_conv.conv_encoder(widths=(4, 8)),
        strided_conv.bottleneck(out=8),
        conv_decoder.conv_decoder(size=SIDE, channels=1, widths=(8, 4)),
        strided_conv.conv_discriminator(widths=(4, 8)),
        **dict(size=SIDE, band=0, hole="blobs", band_weight=0.0, weight=1.0),
    )
    params, state = jax.jit(made.init)(jax.random.key(0), batch())

    @jax.jit
    def found(images):
        shown = made.draw(params, state, {**batch(), "global": images}, jax.random.key(1))["inpainting"]
        grads = jax.grad(lambda x: made.loss(params, state, {**batch(), "global": x}, jax.random.key(1), 0)[0])(images)
        return shown, grads

    a, slope = found(batch()["global"])
    hidden = np.asarray(a["shown"]) == 0
    assert len({one.tobytes() for one in hidden}) == 8 and 0.2 < hidden.mean() < 0.3
    np.testing.assert_array_equal(np.where(hidden, 0, a["input"]), a["shown"])
    np.testing.assert_array_equal(np.where(hidden, a["input"], a["filled in"]), a["input"])
    b, _ = found(jnp.where(hidden[:, None], 5.0, batch()["global"]))
    np.testing.assert_array_equal(a["filled in"], b["filled in"])
    errors = np.asarray(a["filled in"] - a["input"])[hidden]
    assert np.abs(errors).min() > 0 and np.isfinite(slope).all()


@pytest.mark.slow
@pytest.mark.parametrize("weight", [1.0, 0.999])
def test_it_beats_the_mean_image_on_images_that_it_has_not_seen(weight):
    rows = real.images("train", 1024)
    nets = (
        strided_conv.conv_encoder(widths=(16, 32)),
        strided_conv.bottleneck(out=64),
        conv_decoder.conv_decoder(size=12, channels=1, widths=(32, 16)),
        strided_conv.conv_discriminator(widths=(8, 16)),
    )
    made = context_encoder(*nets, size=12, band=2, weight=weight)
    states, _ = real.train(made, optax.adam(2e-3), lambda key: real.whole(rows)[:, None], batch=64, epochs=12)
    test = real.whole(real.images("test", 500))
    few = {"global": test[:, None], "index": jnp.arange(500), "label": jnp.zeros(500, jnp.int32)}
    shown = made.draw(states[-1].params, states[-1].method_state, few, jax.random.key(0))["inpainting"]
    error = float(jnp.mean((holes.center(shown["filled in"] - test, 8)) ** 2))
    mean = float(jnp.mean((holes.center(test - real.whole(rows).mean(0), 8)) ** 2))
    assert error < 0.8 * mean
