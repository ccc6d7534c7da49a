"""BEiT's loss against loops, what reaches it, and its tokenizers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.methods.beit import beit
from ssl_jax.nets import dvae, heads, vit
from ssl_jax.paradigms.masked_tokens import Tokenizer, masked_tokens, network
from ssl_jax.passes import patch_codes
from ssl_jax.tasks import pixels
from ssl_jax.types import Net

B, SIDE, PATCH, K, D = 3, 8, 4, 5, 6
L, P = (SIDE // PATCH) ** 2, PATCH * PATCH * 3
G = np.random.default_rng(0)
IMAGES = G.normal(size=(B, 1, SIDE, SIDE, 3))
BATCH = {"global": jnp.asarray(IMAGES, jnp.float32), "index": jnp.arange(B), "label": -jnp.ones(B, jnp.int32)}
HIDDEN = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 1, 0]], bool)
KEY, STEP = jax.random.key(0), jnp.zeros((), jnp.int32)


def linear() -> Net:
    """Patches times a matrix, or a token: the least encoder that hides."""

    def init(key, x):
        return {"kernel": jax.random.normal(key, (P, D)), "token": jax.random.normal(KEY, (1, 1, D))}, {}

    def apply(params, stats, x, *, train, key=None, hidden=None):
        tokens = pixels.patchify(x, PATCH) @ params["kernel"]
        tokens = tokens if hidden is None else jnp.where(hidden[..., None], params["token"], tokens)
        return {"pool": tokens.mean(1), "tokens": tokens}, stats

    return Net(init, apply)


def wide(tree):
    return jax.tree.map(lambda a: a.astype(jnp.float64) if jnp.issubdtype(a.dtype, jnp.floating) else a, tree)


def test_the_loss_is_the_mean_over_all_hidden_patches_of_the_batch():
    with jax.enable_x64(True):
        centers = G.normal(size=(K, P))
        tokenizer = Tokenizer(
            lambda key, images, count: {"centers": jnp.asarray(centers)},
            lambda state, images: patch_codes.codes(pixels.patchify(images, PATCH), state["centers"]),
        )
        options = dict(patch=PATCH, hide=lambda key, b, v, grid: jnp.asarray(HIDDEN)[:, None], most=3)
        made = masked_tokens(linear(), heads.linear(out=K, dtype="float64"), tokenizer, **options)
        batch = wide({**BATCH, "global": jnp.asarray(IMAGES)})
        params, state = wide(made.init(KEY, batch))
        (value, aux), grads = jax.value_and_grad(made.loss, has_aux=True)(params, state, batch, KEY, STEP)
        layer = params["classifier"]["linear1"]
        w, token = np.asarray(layer["kernel"]), np.asarray(params["encoder"]["token"])[0, 0]
        total, right, dw, dtoken = 0.0, 0, np.zeros((D, K)), np.zeros(D)
        for i in range(B):
            for j in range(L):
                row, column = divmod(j, SIDE // PATCH)
                part = IMAGES[i, 0, row * PATCH :][:PATCH, column * PATCH :][:, :PATCH].reshape(-1)
                code = min(range(K), key=lambda k: np.sum((part - centers[k]) ** 2))
                if HIDDEN[i, j]:
                    logits = token @ w + np.asarray(layer["bias"])
                    p = np.exp(logits) / np.exp(logits).sum()
                    total -= np.log(p[code]) / HIDDEN.sum()
                    right += np.argmax(logits) == code
                    off = (p - np.eye(K)[code]) / HIDDEN.sum()
                    dw += np.outer(token, off)
                    dtoken += w @ off
        assert_allclose(value, total, rtol=1e-10)
        assert_allclose(grads["classifier"]["linear1"]["kernel"], dw, rtol=1e-9, atol=1e-12)
        assert_allclose(grads["encoder"]["token"][0, 0], dtoken, rtol=1e-9, atol=1e-12)
        assert_allclose(grads["encoder"]["kernel"], 0)  # what is seen has no loss
        assert_allclose(aux.metrics["codes/top1"], right / HIDDEN.sum(), rtol=1e-10)


ENCODER = vit.vit(
    variant=(16, 2, 2, PATCH), positions="relative", image_size=SIDE, mask_token=True, mask_std=0.02, layer_scale=0.1
)


def made(**options):
    return beit(ENCODER, heads.linear(out=K), patch=PATCH, hidden=2, **options)


def test_hidden_pixels_are_asked_for_and_never_seen():
    method = made(mask_shape="random")
    params, state = jax.jit(method.init)(KEY, BATCH)
    loss = jax.jit(lambda batch, state: method.loss(params, state, batch, KEY, STEP)[0])
    rows = jax.jit(lambda batch: method.draw(params, state, batch, KEY))(BATCH)["codes"]
    unknown = np.isnan(np.asarray(rows["hidden"]))
    assert unknown.mean() == 0.5  # two of four patches
    np.testing.assert_array_equal(np.asarray(rows["hidden"])[~unknown], IMAGES.astype(np.float32)[:, 0][~unknown])
    # with the same codes the network cannot tell other pixels there from these
    near = {**BATCH, "global": BATCH["global"].at[:, 0].add(1e-4 * unknown)}
    assert loss(near, state) == loss(BATCH, state)
    far = {**BATCH, "global": BATCH["global"].at[:, 0].add(1e-4 * ~unknown)}
    assert loss(far, state) != loss(BATCH, state)
    # other codes of the same pixels are another task
    turned = state["tokenizer"]._replace(centers=state["tokenizer"].centers[::-1])
    assert loss(BATCH, {**state, "tokenizer": turned}) != loss(BATCH, state)
    # pictures of codes are the centers at their places
    book = np.asarray(state["tokenizer"].centers)
    for part in np.asarray(pixels.patchify(rows["codes"], PATCH)).reshape(-1, P):
        assert (part == book).all(1).any()


def test_a_finished_network_is_a_tokenizer_that_no_step_changes():
    net = dvae.dvae_encoder(codes=K, width=4, groups=2, blocks=1)
    method = made(tokenizer=net, tokenizer_size=4)
    assert method.frozen == ("tokenizer",) and not method.passes and set(method.encoders) == {"encoder", "tokenizer"}
    params, state = jax.jit(method.init)(KEY, BATCH)
    value, aux = jax.jit(method.loss)(params, state, BATCH, KEY, STEP)
    after = method.update(state, params, aux.carry, STEP)
    assert np.isfinite(value) and after["tokenizer"] is state["tokenizer"]
    small = jax.image.resize(BATCH["global"][:, 0], (B, 4, 4, 3), "lanczos3")
    weights = state["tokenizer"]
    logits = net.apply(weights["params"], weights["stats"], small, train=False)[0]["logits"]
    names = network(net, size=4).codes(weights, BATCH["global"][:, 0])
    np.testing.assert_array_equal(names, np.argmax(np.asarray(logits), -1).reshape(B, L))
    assert set(method.draw(params, state, BATCH, KEY)["codes"]) == {"image", "hidden"}


def test_what_cannot_be_is_a_sentence():
    net = dvae.dvae_encoder(codes=K + 1, width=4, groups=2, blocks=1)
    shapes = lambda method: jax.eval_shape(method.init, KEY, BATCH)  # noqa: E731
    with pytest.raises(ValueError, match="nets.tokenizer has 6 codes, and nets.classifier names 5: give it out=6"):
        shapes(made(tokenizer=net, tokenizer_size=4))
    net = dvae.dvae_encoder(codes=K, width=4, groups=2, blocks=1)
    with pytest.raises(ValueError, match="the encoder has 4 patches an image and the tokenizer 16"):
        shapes(made(tokenizer=net))
    with pytest.raises(ValueError, match="nets.tokenizer gives cls, pool, tokens, and no logits"):
        shapes(made(tokenizer=vit.vit(variant=(8, 1, 2, PATCH))))
    with pytest.raises(ValueError, match="cannot hide 4 of 4 patches"):
        shapes(beit(ENCODER, heads.linear(out=K), patch=PATCH, hidden=4))
    with pytest.raises(ValueError, match="has 4 patches an image, and patches of 2 pixels are 16: give method.patch"):
        shapes(beit(ENCODER, heads.linear(out=K), patch=2, hidden=2))
