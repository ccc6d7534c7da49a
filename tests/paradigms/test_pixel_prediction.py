"""iGPT's objectives against loops over its network's logits; its palette; its pictures; its refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.methods.igpt import igpt
from ssl_jax.nets import resnet
from ssl_jax.nets.pixel_transformer import pixel_transformer
from ssl_jax.passes import patch_codes
from ssl_jax.types import TrainState

B, SIDE, K = 3, 4, 6
L = SIDE * SIDE
G = np.random.default_rng(0)
BATCH = {"global": jnp.asarray(G.normal(size=(B, 1, SIDE, SIDE, 1))), "index": jnp.arange(B)}
BATCH["clean"], BATCH["real"] = BATCH["global"], jnp.ones(B, bool)
KEY, STEP = jax.random.key(0), jnp.zeros((), jnp.int32)


def encoder(**options):
    return pixel_transformer(colors=K, image_size=SIDE, width=8, layers=2, heads=2, **options)


def begun(method, dtype=jnp.float64):
    """Parameters that prefer some colors, and a palette of K numbers."""
    params, state = jax.jit(method.init)(KEY, BATCH)
    params = jax.tree.map(lambda a: jnp.asarray(G.normal(size=a.shape), dtype), params)
    palette = jnp.linspace(-2, 2, K, dtype=dtype)[:, None]
    return params, {**state, "stats": {"encoder": {"palette": palette}}}


def colors():
    palette = np.linspace(-2, 2, K)
    return np.abs(np.asarray(BATCH["global"]).reshape(B, L, 1) - palette).argmin(-1)


def test_the_loss_is_that_of_the_next_pixel():
    with jax.enable_x64(True):
        method, net = igpt(encoder(dtype="float64")), encoder(dtype="float64")
        params, state = begun(method)
        named = colors()
        logits = lambda p: net.apply(p["encoder"], state["stats"]["encoder"], named, train=False, predict=True)[0]  # noqa: E731
        found = np.asarray(logits(params)["logits"])
        paid, off = 0.0, np.zeros_like(found)
        for i in range(B):
            for t in range(L):
                p = np.exp(found[i, t]) / np.exp(found[i, t]).sum()
                paid -= np.log(p[named[i, t]]) / (B * L)
                off[i, t] = (p - np.eye(K)[named[i, t]]) / (B * L)
        (value, aux), grads = jax.jit(jax.value_and_grad(method.loss, has_aux=True))(params, state, BATCH, KEY, STEP)
        assert_allclose(value, paid, rtol=1e-10)
        expected = jax.grad(lambda p: jnp.sum(logits(p)["logits"] * off))(params)
        jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-8, atol=1e-12), grads, expected)
        grid = named.reshape(B, SIDE, SIDE)
        assert_allclose(aux.metrics["bits"], paid / np.log(2), rtol=1e-10)
        for name, same in (("left", grid[:, :, 1:] == grid[:, :, :-1]), ("up", grid[:, 1:] == grid[:, :-1])):
            e = 1 - same.mean()
            bits = -e * np.log2(e) - (1 - e) * np.log2(1 - e) + e * np.log2(K - 1)
            assert_allclose(aux.metrics[f"bits/copy_{name}"], bits, rtol=1e-5)


@pytest.mark.parametrize("corruption", ["zero", "bert"])
def test_the_loss_of_hidden_pixels_is_the_mean_of_each_image_first(corruption):
    with jax.enable_x64(True):
        net = encoder(causal=False, dtype="float64")
        method = igpt(net, objective="bert", mask_ratio=0.4, corruption=corruption)
        params, state = begun(method)
        rows = method.draw(params, state, BATCH, KEY)["pixels"]
        asked, named = np.isnan(np.asarray(rows["seen"])).reshape(B, L), colors()
        value, _ = jax.jit(method.loss)(params, state, BATCH, KEY, STEP)
        if corruption == "bert":
            assert np.isfinite(value) and asked.any()
            return
        y, _ = net.apply(
            params["encoder"], state["stats"]["encoder"], named, train=False, hidden=jnp.asarray(asked), predict=True
        )
        logits, paid = np.asarray(y["logits"]), 0.0
        for i in range(B):
            for t in range(L):
                if asked[i, t]:
                    p = np.exp(logits[i, t]) / np.exp(logits[i, t]).sum()
                    paid -= np.log(p[named[i, t]]) / asked[i].sum() / B
        assert_allclose(value, paid, rtol=1e-10)
        said = np.linspace(-2, 2, K)[np.where(asked, logits.argmax(-1), named)]
        assert_allclose(np.asarray(rows["prediction"]).reshape(B, L), said, rtol=1e-12)


def test_the_first_loss_is_that_of_no_preference():
    method = igpt(encoder())
    params, state = jax.jit(method.init)(KEY, BATCH)
    value, aux = jax.jit(method.loss)(params, state, BATCH, KEY, STEP)
    assert_allclose(value, np.log(K), rtol=1e-6)
    assert_allclose(aux.metrics["bits"], np.log2(K), rtol=1e-6)


def test_the_lower_half_is_drawn_and_the_upper_one_stays():
    method = igpt(encoder())
    params, state = begun(method, jnp.float32)
    rows = jax.jit(lambda key: method.draw(params, state, BATCH, key))(KEY)["pixels"]
    assert set(rows) == {"image", "colors", "seen", "prediction"}
    seen, half = np.asarray(rows["seen"]), SIDE // 2
    assert np.isnan(seen[:, half:]).all() and not np.isnan(seen[:, :half]).any()
    np.testing.assert_array_equal(rows["prediction"][:, :half], rows["colors"][:, :half])
    assert (np.asarray(rows["prediction"])[:, half:] != np.asarray(rows["colors"])[:, half:]).any()


def test_the_pass_finds_the_palette_of_the_clean_images():
    method = igpt(encoder(), drawn=B * L, iterations=5)
    state = jax.jit(lambda key: method.init(key, BATCH))(KEY)[1]
    (one,), whole = method.passes, lambda held: TrainState(STEP, {}, held, ())
    found = one.fold(whole(state), one.start(whole(state), KEY), BATCH, KEY)
    after = one.finish(whole(state), found, KEY)
    palette = after.method_state["stats"]["encoder"]["palette"]
    assert palette.shape == (K, 1) and after.method_state["palette"].size.sum() == B * L
    rows = np.asarray(BATCH["global"], np.float32).reshape(-1, 1)
    error = np.mean((rows - np.asarray(palette)[patch_codes.codes(jnp.asarray(rows), palette)]) ** 2)
    assert_allclose(after.method_state["palette"].error, error, rtol=1e-4)
    assert one.refuses(after) == ""
    few = {**BATCH, "clean": jnp.round(BATCH["clean"] / 3)}
    found = one.fold(whole(state), one.start(whole(state), KEY), few, KEY)
    said = one.refuses(one.finish(whole(state), found, KEY))
    many = len(np.unique(few["clean"]))
    assert said == f"nets.encoder.colors is {K}, and only {many} colors of the images differ; take {many} or fewer"


def test_what_cannot_be_is_a_sentence():
    with pytest.raises(ValueError, match="no 'gtp' in the objectives of iGPT; did you mean gpt"):
        igpt(encoder(), objective="gtp")
    with pytest.raises(ValueError, match="no 'zeros' in the corruptions of iGPT; did you mean zero"):
        igpt(encoder(), corruption="zeros")
    with pytest.raises(ValueError, match="take a `pixel_transformer` as nets.encoder"):
        jax.eval_shape(igpt(resnet.resnet(depth=(1, 1), base=4)).init, KEY, BATCH)
    method = igpt(encoder(), objective="bert")
    params, state = jax.jit(method.init)(KEY, BATCH)
    with pytest.raises(ValueError, match="give nets.encoder causal=False"):
        jax.eval_shape(method.loss, params, state, BATCH, KEY, STEP)
