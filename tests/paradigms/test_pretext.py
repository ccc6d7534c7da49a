"""Pretext tasks as methods: what lies in the state, what is drawn, what does not fit, and colors that are counted."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax import step
from ssl_jax.data import sources
from ssl_jax.methods.colorization import colorization
from ssl_jax.methods.jigsaw import jigsaw
from ssl_jax.methods.relative_patch_position import relative_patch_position
from ssl_jax.methods.rotation import rotation
from ssl_jax.nets import heads
from ssl_jax.nets.color_decoder import color_decoder
from ssl_jax.nets.late_fusion import late_fusion
from ssl_jax.nets.lightness_resnet import lightness_resnet
from ssl_jax.tasks import colors, orders
from ssl_jax.types import Net, TrainState
from tests import tfds_sets

B, SIDE, K = 3, 8, 5
KEY, STEP = jax.random.key(0), jnp.int32(0)
HEAD = late_fusion(piece=(), out=K)


def means(width: int = 4) -> Net:
    """A linear layer of each pixel, and its mean: an encoder of images of any size."""

    def apply(params, stats, x, *, train, key=None):
        y = jnp.tanh(jnp.matmul(x, params["kernel"]))
        return {"pool": y.mean((1, 2)), "maps": {"grid": y}}, stats

    return Net(lambda key, x: ({"kernel": jax.random.normal(key, (x.shape[-1], width))}, {}), apply)


def batch(channels=3):
    images = np.random.default_rng(0).uniform(-1, 1, (B, 1, SIDE, SIDE, channels))
    return {"global": jnp.asarray(images, jnp.float32), "index": jnp.arange(B), "label": jnp.full(B, -1)}


def a_jigsaw(head=HEAD, **options):
    return jigsaw(means(), head, grid=2, tile=3, jitter=1, permutations=K, **options)


def a_position(head):
    return relative_patch_position(means(), head, patch=2, gap=0, jitter=1)


def a_colorization(out=23, **options):
    return colorization(means(), color_decoder(out=out, widths=()), bin_size=40, stride=1, **options)


def test_the_orders_and_their_seed_lie_in_the_state_and_stay():
    method = a_jigsaw(seed=3)
    params, state = jax.jit(method.init)(KEY, batch())
    known = orders.chosen(3, count=K, pieces=4)
    assert_array_equal(state["task"]["orders"], known["orders"])
    assert state["task"]["seed"] == 3
    value, aux = jax.jit(method.loss)(params, state, batch(), KEY, STEP)
    new = method.update(state, params, aux.carry, STEP)
    jax.tree.map(assert_array_equal, new["task"], state["task"])


def test_the_loss_is_that_of_the_labels_that_are_drawn():
    """A classifier that always names the first order is right as often as that is drawn."""
    method = a_jigsaw()
    params, state = jax.jit(method.init)(KEY, batch())
    bias = jnp.zeros(K).at[0].set(50.0)
    params = {**params, "classifier": {"out": {"kernel": 0 * params["classifier"]["out"]["kernel"], "bias": bias}}}
    loss = jax.jit(method.loss)
    found = [loss(params, state, batch(), jax.random.key(i), STEP) for i in range(20)]
    for value, aux in found:
        assert_allclose(value, 50 * (1 - aux.metrics["pretext/top1"]), rtol=1e-4)
    assert 0.05 < np.mean([aux.metrics["pretext/top1"] for _, aux in found]) < 0.4
    assert_allclose(found[0][1].metrics["pretext/chance"], 1 / K)


@pytest.mark.parametrize("make", [a_jigsaw, lambda: a_position(late_fusion(piece=(), out=8)), a_colorization])
def test_what_is_drawn_has_a_row_a_title_and_a_column_an_image(make):
    method = make()
    params, state = jax.jit(method.init)(KEY, batch())
    made = jax.jit(method.draw)(params, state, batch(), KEY)
    assert len(made) == 1
    for shown in made.values():
        assert len({a.shape for a in shown.values()}) == 1 < len(shown)
        assert {(len(a), a.shape[-1]) for a in shown.values()} == {(B, 3)}


def test_rotation_draws_nothing():
    assert rotation(means(), heads.linear(out=4)).draw is None


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: a_jigsaw(late_fusion(piece=(), out=7)), "names 7 answers and the task has 5: set --config.nets.class"),
        (lambda: a_position(late_fusion(piece=(), out=9)), "names 9 answers and the task has 8"),
        (lambda: rotation(means(), heads.linear(out=5)), "names 5 answers and the task has 4"),
        (lambda: a_colorization(out=22), "the decoder names 22 colors and there are 23 bins"),
        (lambda: jigsaw(means(), HEAD, grid=2, permutations=25), "4 tiles have 24 orders; take 24 or fewer"),
        (lambda: jigsaw(means(), HEAD, tile=0), "tile is 0"),
        (lambda: relative_patch_position(means(), HEAD, shrunk=1.5), "shrunk is 1.5"),
        (lambda: colorization(means(), HEAD, uniform=0.0), "uniform is 0.0"),
    ],
)
def test_what_does_not_fit_is_a_sentence(make, sentence):
    def run():
        method = make()
        params, state = jax.eval_shape(method.init, KEY, batch())
        jax.eval_shape(method.loss, params, state, batch(), KEY, STEP)

    with pytest.raises(ValueError, match=sentence):
        run()


def test_gray_data_is_a_sentence():
    with pytest.raises(ValueError, match="colors are predicted, and the images have 1 channels: take images in color"):
        jax.eval_shape(a_colorization().init, KEY, batch(channels=1))


def test_the_pass_counts_the_colors_of_all_images_that_can_be_read():
    method = a_colorization()
    (one,) = method.passes
    _, state = jax.jit(method.init)(KEY, batch())
    prior = state["task"]["prior"]
    assert_allclose(prior, 1 / len(prior))
    whole = TrainState(STEP, {}, state, ())
    rows = {"clean": batch()["global"], "real": jnp.array([True, False, True])}
    found = jax.jit(one.fold)(whole, one.start(whole, KEY), rows, KEY)
    new = one.finish(whole, found, KEY).method_state["task"]["prior"]
    palette = colors.Palette(colors.bins(40), 1, 10, 5.0)
    expected = np.asarray(colors.counts(rows["clean"][:, 0], palette))[[0, 2]].sum(0)
    assert_allclose(new, expected / expected.sum(), rtol=1e-4, atol=1e-7)
    nothing = one.finish(whole, one.start(whole, KEY), KEY).method_state["task"]["prior"]
    assert_allclose(nothing, 1 / len(prior))


@pytest.mark.slow
@tfds_sets.real
def test_colors_of_real_images_are_told_from_their_light():
    """Of images that were not trained on, better than by knowing how often each color occurs. All weights are 1."""
    source = sources.open("tfds:cifar10/train[:1280]", data_dir=str(tfds_sets.TFDS))
    images = np.stack(list(sources.images(source, range(1280)))).astype(np.float32)[:, None] / 127.5 - 1
    encoder = lightness_resnet(depth=(1, 1), base=8, stem="half", zero_init=False)
    method = colorization(encoder, color_decoder(out=76, widths=()), bin_size=20, sigma=10.0, uniform=1.0)
    rows = {"index": jnp.arange(64), "label": jnp.full(64, -1)}
    train, test = ({**rows, "global": jnp.asarray(images[part])} for part in (np.s_[:64], np.s_[1024:]))
    state = jax.jit(lambda key: step.init(method, optax.adam(3e-3), key, train))(KEY)
    palette = colors.Palette(colors.bins(20), 4, 10, 10.0)
    counted = jnp.sum(colors.counts(jnp.asarray(images[:1024, 0]), palette), 0)
    state = state._replace(method_state={**state.method_state, "task": {"prior": counted / counted.sum()}})
    walk = jax.jit(step.make_step(method, optax.adam(3e-3), lambda key, batch: batch))
    for i in range(160):
        start = 64 * (i % 16)
        state, _ = walk(state, {**rows, "global": jnp.asarray(images[start : start + 64])}, KEY)
    value, aux = jax.jit(method.loss)(state.params, state.method_state, test, KEY, STEP)
    known, _ = colors.judge(palette, uniform=1.0)(
        jnp.broadcast_to(jnp.log(counted / counted.sum() + 1e-9), (256, 1, 8, 8, 76)),
        colors.targets(test["global"], stride=4),
        state.method_state["task"],
    )
    assert value < known - 0.02, (value, known, aux.metrics)
