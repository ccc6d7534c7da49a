"""Colors as classes: bins, soft targets, decoding and the judge, against loops; gray images teach nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.nets.lightness_resnet import lightness
from ssl_jax.tasks import colors
from ssl_jax.views import color_spaces

PALETTE = colors.Palette(colors.bins(40), 2, 3, 20.0)
Q, B, SIDE = len(PALETTE.centers), 3, 4


def images(dtype=np.float64):
    """The second is gray."""
    x = np.random.default_rng(0).uniform(-1, 1, (B, 1, SIDE, SIDE, 3))
    x[1] = x[1][..., :1]
    return jnp.asarray(x, dtype)


def lab(x):
    """[..., 3] in -1..1 -> L, a and b."""
    return np.stack(color_spaces.cie_lab(list(np.moveaxis((np.asarray(x) + 1) / 2, -1, 0)), np.where), -1)


def soft_by_loops(color):
    square = ((PALETTE.centers - color) ** 2).sum(1)
    out = np.zeros(Q)
    for k in np.argsort(square)[: PALETTE.neighbors]:
        out[k] = np.exp(-square[k] / (2 * PALETTE.sigma**2))
    return out / out.sum()


def test_bins_are_those_into_which_colors_fall():
    assert [len(colors.bins(size)) for size in (10, 20, 40)] == [261, 76, 23]
    known = {tuple(center) for center in colors.bins(20)}
    some = lab(np.random.default_rng(1).uniform(-1, 1, (2000, 3)))[:, 1:]
    assert {tuple(color) for color in np.round(some / 20) * 20 + 0.0} <= known
    assert (0.0, 0.0) in known and (-100.0, 0.0) not in known


def test_soft_targets_are_those_of_loops(strict):
    color = jnp.asarray(np.random.default_rng(2).uniform(-80, 80, (7, 2)))
    found = colors.soft(color, PALETTE)
    assert_allclose(found, [soft_by_loops(np.asarray(one)) for one in color], atol=1e-10)
    assert_allclose(found.sum(-1), 1, rtol=1e-12)


def test_far_colors_and_ties_are_shared_out():
    far = colors.soft(jnp.asarray([[1e4, 0.0]], jnp.float32), PALETTE)
    assert np.all(np.isfinite(far)) and abs(far.sum() - 1) < 1e-6
    center = np.asarray(colors.soft(jnp.zeros((1, 2)), PALETTE))[0]  # four bins are second
    assert_allclose(np.sort(center)[-5:-1], center[np.hypot(*PALETTE.centers.T) == 40], rtol=1e-6)


def test_the_mean_is_annealed(strict):
    logits = np.random.default_rng(3).normal(size=(6, Q))
    p = np.exp(logits / 0.38)
    expected = (p / p.sum(1, keepdims=True)) @ PALETTE.centers
    assert_allclose(colors.annealed_mean(jnp.asarray(logits), PALETTE, temperature=0.38), expected, atol=1e-10)
    mode = colors.annealed_mean(jnp.asarray(logits), PALETTE, temperature=1e-3)
    assert_allclose(mode, PALETTE.centers[logits.argmax(1)], atol=1e-6)


def judged(x, logits, prior, uniform=0.5):
    held = {"prior": jnp.asarray(prior)}
    return colors.judge(PALETTE, uniform=uniform)(jnp.asarray(logits), colors.targets(x, stride=2), held)


def test_the_judge_and_its_gradient_are_those_of_loops(strict, gradient):
    g, x = np.random.default_rng(4), images()
    prior, logits = g.dirichlet(np.ones(Q)), g.normal(size=(B, 1, 2, 2, Q))
    weights = 1 / (0.5 * prior + 0.5 / Q)
    weights /= (prior * weights).sum()
    places = [(i, r, c) for i in (0, 2) for r in range(2) for c in range(2)]
    color = {(i, r, c): lab(x[i, 0, 2 * r, 2 * c])[1:] for i, r, c in places}

    def by_loops(logits, weighted):
        total, right = 0, 0
        for (i, r, c), one in color.items():
            nearest = ((PALETTE.centers - one) ** 2).sum(1).argmin()
            row = logits[i, 0, r, c]
            log_p = row - np.log(np.exp(row).sum())
            total -= (weights[nearest] if weighted else 1) * (soft_by_loops(one) * log_p).sum()
            right += row.real.argmax() == nearest
        return total / len(color), right / len(color)

    (value, metrics), slope = jax.value_and_grad(lambda z: judged(x, z, prior), has_aux=True)(jnp.asarray(logits))
    assert_allclose(value, by_loops(logits, False)[0], rtol=1e-10)
    assert_allclose(slope, gradient(lambda z: by_loops(z, True)[0], logits), atol=1e-10)
    assert not np.any(slope[1]), "an image without color has a gradient"
    assert_allclose(metrics["pretext/top1"], by_loops(logits, False)[1], rtol=1e-6)
    bins = [((PALETTE.centers - one) ** 2).sum(1).argmin() for one in color.values()]
    assert_allclose(metrics["pretext/chance"], np.bincount(bins).max() / len(bins), rtol=1e-6)
    assert_allclose(metrics["pretext/colored"], 2 / 3, rtol=1e-6)
    mean = np.mean([soft_by_loops(one) for one in color.values()], 0)
    assert_allclose(metrics["mean_target"], -sum(p * np.log(p) for p in mean if p > 0), rtol=1e-6)


def test_what_is_counted_are_the_soft_targets_of_images_with_color():
    found = np.asarray(jax.jit(lambda x: colors.counts(x, PALETTE))(images(np.float32)[:, 0]))
    assert not np.any(found[1])
    for i in (0, 2):
        rows = [soft_by_loops(one) for one in lab(images()[i, 0, ::2, ::2]).reshape(-1, 3)[:, 1:]]
        assert_allclose(found[i], np.sum(rows, 0), atol=1e-4)


def test_what_the_network_sees_is_the_same_for_all_colors_of_a_light():
    x = images(np.float32)[:, 0]
    seen = lightness(x)
    assert seen.shape == (B, SIDE, SIDE, 1)
    assert_allclose(seen[..., 0], lab(x)[..., 0] / 50 - 1, atol=1e-5)
    light, _ = colors.light_and_color(x)
    gray = colors.painted(light, jnp.zeros((B, 2, 2, 2)))
    assert_allclose(lightness(gray), seen, atol=1e-4)
    assert_allclose(gray.max(-1), gray.min(-1), atol=1e-3)


def test_a_picture_with_the_right_answers_has_the_colors_of_the_bins():
    x = jnp.broadcast_to(jnp.array([0.9, -0.5, -0.6]), (1, 1, SIDE, SIDE, 3))
    nearest = jnp.argmin(colors.squares(colors.targets(x, stride=2), PALETTE), -1)
    shown = colors.picture(x, 1e3 * jax.nn.one_hot(nearest, Q), PALETTE)["colorization"]
    assert set(shown) == {"gray", "predicted", "true"} and {a.shape for a in shown.values()} == {(1, SIDE, SIDE, 3)}
    assert_array_equal(shown["true"], x[:, 0])
    assert np.abs(shown["predicted"] - x[:, 0]).max() < np.abs(shown["gray"] - x[:, 0]).max()
    assert_allclose(shown["gray"].std(-1), 0, atol=1e-3)


@pytest.mark.parametrize(
    "shape, sentence",
    [
        ((1, 1, 2, 2, 5), "the decoder names 5 colors and there are 23 bins: set --config.nets.decoder.out=23"),
        ((1, 1, 4, 4, Q), "the decoder paints 4 x 4 places, and a stride of 2 asks 2 x 2: each of config.nets.decoder"),
    ],
)
def test_a_decoder_that_does_not_fit_is_a_sentence(shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        judged(jnp.zeros((1, 1, 4, 4, 3)), np.zeros(shape), np.ones(Q) / Q)


@pytest.mark.parametrize("see", [lightness, colors.light_and_color])
def test_gray_images_are_a_sentence(see):
    with pytest.raises(ValueError, match="have 1 channels"):
        see(jnp.zeros((1, 4, 4, 1)))
