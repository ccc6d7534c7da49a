"""Predictions on a grid: what the criterion sees, in which directions, and that no prediction sees its target."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria.predicted import predicted
from ssl_jax.losses import predictive as losses
from ssl_jax.nets import heads
from ssl_jax.nets.masked_context import masked_context
from ssl_jax.nets.patch_resnet import patch_resnet
from ssl_jax.paradigms import predictive
from ssl_jax.types import Criterion, Net

OFFSETS = (1, 2)
PIXELS = Net(
    lambda key, x: ({}, {}),
    lambda params, stats, x, *, train, key=None: ({"pool": x.mean((1, 2)), "maps": {"grid": x}}, stats),
)
"""Each pixel is a patch, and its own code."""
BACK = {**predictive.TURNS, "left": lambda x: x[:, ::-1].swapaxes(1, 2)}
"""From a turned grid to the image."""


def made(directions, criterion=None, encoder=PIXELS, offsets=OFFSETS):
    context, head = masked_context(layers=2, hidden=5), heads.linear(out=4)
    criterion = criterion or predicted(offsets=offsets)
    return predictive.predictive(encoder, head, context, head, criterion, offsets=offsets, directions=directions)


def batch(views=1, side=4, seed=0):
    images = np.random.default_rng(seed).normal(size=(3, views, side, side, 2))
    return {"global": jnp.asarray(images, jnp.float32), "index": jnp.arange(3), "label": jnp.full(3, -1)}


def seen_by(method, params, state, rows):
    _, aux = jax.jit(method.loss)(params, state, rows, jax.random.key(1), jnp.int32(0))
    return aux.carry["seen"].student


def test_directions_lead_down_turned_grids():
    grid = jnp.arange(12).reshape(1, 3, 4, 1)
    found = {name: turn(grid)[0, :, :, 0].tolist() for name, turn in predictive.TURNS.items()}
    assert found["down"][0] == [0, 1, 2, 3] and found["up"][0] == [8, 9, 10, 11]
    assert found["right"][0] == [0, 4, 8] and found["left"][0] == [3, 7, 11]


def test_the_loss_is_the_sum_of_its_terms():
    method = made(("down", "left"))
    rows = batch()
    params, state = method.init(jax.random.key(0), rows)
    assert set(params) == {"encoder", "projector", "down", "left", "criterion"}
    assert set(params["left"]["predictor"]) == {"1", "2"}
    value, aux = jax.jit(method.loss)(params, state, rows, jax.random.key(1), jnp.int32(0))
    total = 0
    for name in ("down", "left"):
        own, grid = params[name], predictive.TURNS[name](rows["global"][:, 0])
        read, _ = masked_context(layers=2, hidden=5).apply(own["context"], {}, grid, train=True)
        layer = params["projector"]["linear1"]
        targets = grid @ layer["kernel"] + layer["bias"]
        for k in OFFSETS:
            layer = own["predictor"][str(k)]["linear1"]
            total += losses.rows_below(0.1 * (read @ layer["kernel"] + layer["bias"]), targets, offset=k)
    assert_allclose(value, total, rtol=1e-5)
    assert_allclose(aux.features, rows["global"][:, 0].mean((1, 2)), rtol=1e-6)
    assert_allclose(value, 4 * np.log(3 * 16), rtol=0.1)  # at first all is chance


@pytest.mark.parametrize("name", predictive.TURNS)
def test_no_prediction_sees_its_target(name):
    """What is `offset` rows further on in a direction, and all beyond, changes no prediction of it."""
    method, rows = made((name,)), batch()
    params, state = method.init(jax.random.key(0), rows)
    before = seen_by(method, params, state, rows)[name]["predictions"]
    for row in range(4):
        later = BACK[name](jnp.zeros((3, 4, 4, 2)).at[:, row:].set(1.0))
        changed = {**rows, "global": rows["global"] + later[:, None]}
        after = seen_by(method, params, state, changed)[name]["predictions"]
        assert_array_equal(after[:, :row], before[:, :row])
        assert np.any(after[:, row] != before[:, row])


def test_every_direction_and_offset_learns_weights_of_its_own():
    method, rows = made(("down", "up")), batch()
    params, state = method.init(jax.random.key(0), rows)
    kernels = [params[d]["predictor"][k]["linear1"]["kernel"] for d in ("down", "up") for k in ("1", "2")]
    assert all(np.abs(a - b).max() > 0.01 for i, a in enumerate(kernels) for b in kernels[:i])
    contexts = [params[d]["context"]["conv1_1"]["kernel"] for d in ("down", "up")]
    assert np.abs(contexts[0] - contexts[1]).max() > 0.01


def test_evaluation_sees_the_mean_of_the_patches():
    encoder = patch_resnet(patch=2, stride=1, depth=(1,), base=4, stem="cifar")
    method, rows = made(("down",), encoder=encoder, offsets=(1,)), batch()
    params, state = method.init(jax.random.key(0), rows)
    y = method.embed(params, state, {"image": rows["global"][:, 0]})
    assert y["maps"]["grid"].shape == (3, 3, 3, 4)
    assert_allclose(y["pool"], np.asarray(y["maps"]["grid"]).mean((1, 2)), rtol=1e-5)


def test_what_cannot_be_predicted_is_refused():
    with pytest.raises(ValueError, match="'below' is no direction of a prediction; there are down, up, right, left"):
        made(("below",))
    with pytest.raises(ValueError, match=r"offsets are \(2, 2\); give each of them once"):
        made(("down",), offsets=(2, 2))
    with pytest.raises(ValueError, match="nothing is predicted"):
        made(())
    with pytest.raises(ValueError, match="looks at 1 view of an image, got 2"):
        made(("down",)).init(jax.random.key(0), batch(views=2))
    flat = Net(PIXELS.init, lambda params, stats, x, *, train, key=None: ({"pool": x.mean((1, 2))}, stats))
    with pytest.raises(ValueError, match="patches that were encoded one by one; take patch_resnet"):
        made(("down",), encoder=flat).init(jax.random.key(0), batch())
    nothing = Criterion(lambda key, seen: ({}, {}), lambda params, state, seen: (0.0, {}), lambda state, seen: state)
    assert made(("down",), criterion=nothing).init(jax.random.key(0), batch())
