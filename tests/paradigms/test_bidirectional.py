"""BigBiGAN's phases: what each moves, by which sign, and that codes are drawn in training alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.methods.bigbigan import bigbigan
from ssl_jax.nets import heads, residual_gan, strided_conv
from ssl_jax.paradigms import bidirectional
from ssl_jax.types import Net

CODE = 4


def judge():
    """Scores that are a number of the parameters times the means of what they see, so that signs can be read off."""

    def apply(params, stats, x, *, train, key=None):
        image, latent = x["image"].mean((1, 2, 3)), x["latent"].mean(1)
        seen = {"image": image, "latent": latent, "joint": image + latent}
        return {name: params["weight"] * value + params["bias"] for name, value in seen.items()}, {
            "count": stats["count"] + 1
        }

    return Net(lambda key, x: ({"weight": jnp.ones(()), "bias": jnp.zeros(())}, {"count": jnp.zeros(())}), apply)


def method(discriminator=None, **options):
    return bigbigan(
        strided_conv.conv_encoder(widths=(4,)),
        heads.linear(out=2 * CODE),
        residual_gan.residual_generator(size=4, channels=1, widths=(4, 4)),
        discriminator or judge(),
        **options,
    )


def batch(rows=6, side=8):
    x = np.random.default_rng(0).normal(size=(rows, 1, side, side, 1)).astype(np.float32)
    return {"global": jnp.asarray(x), "index": jnp.arange(rows), "label": jnp.full(rows, -1)}


@pytest.fixture(scope="module")
def started():
    made = method()
    return made, *jax.jit(made.init)(jax.random.key(0), batch())


def test_each_phase_moves_its_own_statistics(started):
    made, params, state = started
    (phase,) = made.phases
    assert phase.parts == ("discriminator",) and phase.times == 2

    def after(loss):
        return made.update(state, params, loss(params, state, batch(), jax.random.key(1), 0)[1].carry, 0)["stats"]

    judged, moved = jax.jit(lambda: (after(phase.loss), after(made.loss)))()
    same = {name: jax.tree.all(jax.tree.map(np.array_equal, judged[name], state["stats"][name])) for name in judged}
    assert not same.pop("discriminator") and all(same.values())
    assert judged["discriminator"]["count"] == 2, "the real pairs and then the made up ones"
    assert moved["discriminator"]["count"] == 0
    assert not np.array_equal(moved["generator"]["norm"]["mean"], state["stats"]["generator"]["norm"]["mean"])


def test_scores_of_nothing_cost_six_and_part_nothing(started):
    made, params, state = started
    params = {**params, "discriminator": {"weight": jnp.zeros(()), "bias": jnp.zeros(())}}
    losses = made.loss, made.phases[0].loss
    both = jax.jit(lambda: [one(params, state, batch(), jax.random.key(1), 0)[0] for one in losses])()
    assert both[0] == 0 and both[1] == 6


def test_encoder_and_generator_go_opposite_ways(started):
    """The encoder lowers the scores of its pairs, the generator raises those of its images: by the sign of each."""
    made, params, state = started
    grads = jax.jit(jax.grad(lambda p: made.loss(p, state, batch(), jax.random.key(1), 0)[0]))(params)
    mean_bias = grads["bottleneck"]["linear1"]["bias"][:CODE]
    np.testing.assert_allclose(mean_bias, 2 / CODE, rtol=1e-5)  # of the latent's score and the joint one
    np.testing.assert_allclose(grads["generator"]["last"]["bias"], -2, rtol=1e-5)  # of the image's and the joint one
    np.testing.assert_allclose(grads["discriminator"]["bias"], 0, atol=1e-5)


def test_no_label_enters_and_codes_are_drawn_in_training_alone(started):
    made, params, state = started
    loss = jax.jit(lambda labels, key: made.loss(params, state, {**batch(), "label": labels}, key, 0)[0])
    values = [loss(jnp.full(6, label), jax.random.key(key)) for label, key in ((0, 1), (3, 1), (0, 2))]
    assert values[0] == values[1] != values[2]
    images = {"image": batch()["global"][:, 0]}
    found = jax.jit(lambda: [made.embed(params, state, images)["latent"] for _ in range(2)])()
    np.testing.assert_array_equal(*found)
    shown = jax.jit(lambda: made.draw(params, state, batch(), jax.random.key(0)))()
    assert {name: list(rows) for name, rows in shown.items()} == {
        "reconstruction": ["input", "reconstruction"],
        "samples": ["samples"],
    }
    assert shown["reconstruction"]["input"].shape == shown["samples"]["samples"].shape == (6, 4, 4, 1)


def test_pictures_are_made_by_the_running_average_of_the_generator(started):
    """After two steps: of the start a tenth and then 2 / 11 survives, the judge's phase leaves it alone."""
    plain, params, state = started
    made = method(average=0.9)
    assert "average" not in state
    held = jax.jit(made.init)(jax.random.key(0), batch())[1]
    carry = {
        "encoder": state["stats"]["encoder"],
        "generator": jax.tree.map(lambda a: a + 1, state["stats"]["generator"]),
    }
    later = {**params, "generator": jax.tree.map(lambda a: a + 1, params["generator"])}

    @jax.jit
    def twice(held):
        for step in range(2):
            held = made.update(held, later, {"discriminator": held["stats"]["discriminator"]}, jnp.asarray(step))
            held = made.update(held, later, carry, jnp.asarray(step))
        return held, made.draw(later, held, batch(), jax.random.key(0))["samples"]["samples"]

    after, samples = twice(held)
    expected = 1 - 0.1 * 2 / 11
    for name, own in (("params", params), ("stats", state["stats"])):
        far = jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), after["average"][name], own["generator"])
        jax.tree.map(lambda a: np.testing.assert_allclose(a, expected, rtol=1e-4), far)
    own = {**later, "generator": after["average"]["params"]}
    stats = {**after["stats"], "generator": after["average"]["stats"]}
    shown = jax.jit(lambda: plain.draw(own, {"stats": stats}, batch(), jax.random.key(0)))()
    np.testing.assert_allclose(samples, shown["samples"]["samples"], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="average is 1.5"):
        method(average=1.5)


def test_images_are_reduced_to_means_of_squares():
    images = np.arange(2 * 4 * 4, dtype=np.float32).reshape(2, 4, 4, 1)
    expected = [[images[0, i : i + 2, j : j + 2].mean() for j in (0, 2)] for i in (0, 2)]
    np.testing.assert_allclose(bidirectional.reduced(images, np.zeros((2, 2, 2, 1)))[0, :, :, 0], expected)
    with pytest.raises(
        ValueError, match=r"images of \[3, 3, 1\] and the views are of \[4, 4, 1\]: give nets.generator"
    ):
        bidirectional.reduced(images, np.zeros((2, 3, 3, 1)))
    with pytest.raises(ValueError, match="times is 0"):
        method(times=0)
