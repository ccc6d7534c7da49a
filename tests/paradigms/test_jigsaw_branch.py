"""The jigsaw beside the image: PIRL and InfoMin against loops, and what learns from which half."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.methods.infomin import infomin
from ssl_jax.methods.inst_disc import inst_disc
from ssl_jax.methods.moco_v2 import moco_v2
from ssl_jax.methods.pirl import pirl
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Net

B, N, K, QUEUE, T, D = 4, 12, 5, 8, 0.3, 4
STEP = jnp.int32(0)
SAMPLED = {"examples": N, "form": "sampled", "negatives": K, "temperature": T}
EMA = {"ema_decay": lambda step: jnp.float32(0.9)}


def means() -> Net:
    """tanh of a linear layer of the mean pixel: an encoder of images of any size."""

    def apply(params, stats, x, *, train, key=None):
        return {"pool": jnp.tanh(jnp.matmul(x.mean((1, 2)), params["kernel"]))}, stats

    return Net(lambda key, x: ({"kernel": jax.random.normal(key, (x.shape[-1], D), x.dtype)}, {}), apply)


def nets(dtype="float64"):
    return means(), heads.linear(out=3, dtype=dtype), heads.jigsaw_projector(widths=(2,), out=3, dtype=dtype)


def batch(views, seed=0, size=6):
    g = np.random.default_rng(seed)
    return {
        "global": jnp.asarray(g.normal(size=(B, views, size, size, 3))),
        "patches": jnp.asarray(g.normal(size=(B, 9, size // 2, size // 2, 3))),
        "index": jnp.asarray(g.permutation(N)[:B].astype(np.int32)),
        "label": jnp.full(B, -1, jnp.int32),
    }


def a_pirl(form="full", **options):
    return pirl(*nets(), examples=N, form=form, negatives=K, temperature=T, **options)


def an_infomin(**options):
    return infomin(*nets(), queue=QUEUE, temperature=T, **EMA, **options)


def begun(method, views):
    """(params, state) after the update of another batch, with a teacher, where there is one, that is no student."""
    first = batch(views, seed=1)
    params, state = jax.jit(method.init)(jax.random.key(0), first)
    _, aux = method.loss(params, state, first, jax.random.key(5), STEP)
    state = method.update(state, params, aux.carry, STEP)
    if "teacher" in state:
        state["teacher"] = jax.tree.map(
            lambda a: a + 0.1 * jnp.cos(jnp.arange(a.size)).reshape(a.shape), state["teacher"]
        )
    return params, state


def unit(x):
    return x / np.sqrt((x * x).sum())


def encoded(params, image):
    return np.tanh(image.reshape(-1, 3).mean(0) @ params["encoder"]["kernel"])


def projected(params, image):
    layer = params["projector"]["linear1"]
    return unit(encoded(params, image) @ layer["kernel"] + layer["bias"])


def assembled(params, pieces):
    piece, whole = (params["jigsaw_projector"][name]["linear1"] for name in ("piece", "whole"))
    row = np.concatenate([encoded(params, one) @ piece["kernel"] + piece["bias"] for one in pieces])
    return unit(row @ whole["kernel"] + whole["bias"])


def pirl_by_loops(params, data, rows, form, drawn, z):
    """Eq. 5 with equal weights: over all rows, or noise-contrastive estimation with these draws and this constant."""
    total = 0
    for i, own in enumerate(np.asarray(data["index"])):
        for query in (projected(params, data["global"][i, 0]), assembled(params, data["patches"][i])):
            scores = np.exp(rows[:N] @ query / T)
            if form == "full":
                total -= 0.5 * np.log(scores[own] / scores.sum())
            else:
                h = scores / z / (scores / z + K / N)
                total -= 0.5 * (np.log(h[own]) + sum(np.log(1 - h[j]) for j in drawn[i]))
    return total / B


def infomin_by_loops(params, data, state, rows):
    total = 0
    for i in range(B):
        key = projected(state["teacher"], data["global"][i, 1])
        for query in (projected(params, data["global"][i, 0]), assembled(params, data["patches"][i])):
            others = np.exp(rows @ query / T).sum()
            total -= 0.5 * np.log(np.exp(query @ key / T) / (np.exp(query @ key / T) + others))
    return total / B


def check(method, data, by_loops, gradient, params, state):
    """The value, and the gradient of every parameter, are those of the loops."""
    key = jax.random.key(3)
    loss = jax.jit(jax.value_and_grad(lambda p: method.loss(p, state, data, key, STEP)[0]))
    value, slopes = loss(params)
    plain = jax.tree.map(np.asarray, params)
    assert_allclose(value, by_loops(plain), rtol=1e-10)
    leaves, form = jax.tree.flatten(plain)
    for i, (leaf, slope) in enumerate(zip(leaves, jax.tree.leaves(slopes), strict=True)):
        expected = gradient(lambda x, i=i: by_loops(form.unflatten([*leaves[:i], x, *leaves[i + 1 :]])), leaf)
        assert_allclose(slope, expected, atol=1e-10)
        assert np.abs(expected).max() > 1e-6


@pytest.mark.parametrize("form", ["full", "nce"])
def test_pirl_is_the_formula(strict, gradient, form):
    method, data = a_pirl(form), {n: np.asarray(a) for n, a in batch(1).items()}
    params, state = begun(method, 1)
    held = state["criterion"]
    own = jax.random.split(jax.random.split(jax.random.key(3))[0])[1]
    drawn = np.asarray(jax.random.randint(own, (B, K), 0, N, jnp.int32))
    args = (data, np.asarray(held.bank.rows), form, drawn, float(held.z))
    check(method, batch(1), lambda p: pirl_by_loops(p, *args), gradient, params, state)


def test_infomin_is_the_formula(strict, gradient):
    method, data = an_infomin(), {n: np.asarray(a) for n, a in batch(2).items()}
    params, state = begun(method, 2)
    args = (data, jax.tree.map(np.asarray, state), np.asarray(state["criterion"].rows))
    check(method, batch(2), lambda p: infomin_by_loops(p, *args), gradient, params, state)


@pytest.mark.parametrize(
    "with_pieces, without, views",
    [
        (lambda w: a_pirl("sampled", jigsaw_weight=w), lambda: inst_disc(*nets()[:2], **SAMPLED), 1),
        (lambda w: an_infomin(jigsaw_weight=w), lambda: moco_v2(*nets()[:2], queue=QUEUE, temperature=T, **EMA), 2),
    ],
    ids=["pirl", "infomin"],
)
def test_without_weight_it_is_the_method_of_images_and_the_state_always_is(strict, with_pieces, without, views):
    plain, key, data = without(), jax.random.key(3), batch(views)
    params, state = begun(with_pieces(0.5), views)
    own = jax.random.split(key)[0]
    expected, aux = plain.loss(params, state, data, own, STEP)
    after = plain.update(state, params, aux.carry, STEP)
    values = {}
    for weight in (0.0, 0.5, 1.0):
        method = with_pieces(weight)
        values[weight], aux = method.loss(params, state, data, key, STEP)
        assert_allclose(aux.metrics["image/loss"], expected, rtol=1e-12)
        new = method.update(state, params, aux.carry, STEP)
        jax.tree.map(assert_array_equal, new["criterion"], after["criterion"])
    assert_allclose(values[0.0], expected, rtol=1e-12)
    assert_allclose(values[0.5], (values[0.0] + values[1.0]) / 2, rtol=1e-12)
    assert_allclose(values[1.0], aux.metrics["jigsaw/loss"], rtol=1e-12)
    other = {**data, "patches": data["patches"][:, ::-1]}  # the same pieces in another order
    assert abs(with_pieces(1.0).loss(params, state, other, key, STEP)[0] - values[1.0]) > 1e-3
    assert_allclose(with_pieces(0.0).loss(params, state, other, key, STEP)[0], expected, rtol=1e-12)


def test_pieces_have_batch_statistics_of_their_own():
    """What the image's half is does not depend on the pieces of its batch, and both move the running statistics."""
    encoder = resnet.resnet(depth=(1,), base=2, stem="half", zero_init=False)
    method = pirl(encoder, heads.linear(out=3), heads.jigsaw_projector(widths=(2,), out=3), examples=N, form="full")
    data = jax.tree.map(lambda a: a.astype(jnp.float32) if a.dtype != jnp.int32 else a, batch(1, size=16))
    params, state = jax.jit(method.init)(jax.random.key(0), data)
    loss = jax.jit(lambda data: method.loss(params, state, data, jax.random.key(3), STEP)[1])
    one, other = loss(data), loss({**data, "patches": 3 * data["patches"] + 1})
    assert_array_equal(one.metrics["image/loss"], other.metrics["image/loss"])
    assert abs(one.metrics["jigsaw/loss"] - other.metrics["jigsaw/loss"]) > 1e-3
    running = [aux.carry["stats"]["encoder"]["stem"]["norm"]["mean"] for aux in (one, other)]
    assert np.abs(running[0] - running[1]).max() > 1e-3


def test_equal_embeddings_are_at_chance(strict):
    """Where every image and every jigsaw is one point, and every row too, each half is log n."""
    method, data = a_pirl(), batch(1)
    params, state = begun(method, 1)
    flat = jax.tree.map(jnp.zeros_like, params)
    flat["projector"]["linear1"]["bias"] += 1
    flat["jigsaw_projector"]["whole"]["linear1"]["bias"] += 1
    held = state["criterion"]
    rows = jnp.full_like(held.bank.rows, 3**-0.5)
    state = {**state, "criterion": held._replace(bank=held.bank._replace(rows=rows))}
    _, aux = method.loss(flat, state, data, jax.random.key(0), STEP)
    assert_allclose([aux.metrics["image/loss"], aux.metrics["jigsaw/loss"]], np.log(N), rtol=1e-12)


@pytest.mark.parametrize("make, views", [(a_pirl, 1), (an_infomin, 2)])
def test_what_cannot_be_is_one_sentence(strict, make, views):
    whole = {name: a for name, a in batch(views).items() if name != "patches"}
    with pytest.raises(ValueError, match="wants views of group 'patches', the recipe makes only .*'global'"):
        make().init(jax.random.key(0), whole)
    with pytest.raises(ValueError, match="jigsaw_weight is 1.5; it must lie between 0 and 1"):
        make(jigsaw_weight=1.5)
