"""Spectral norm, and the networks that are made of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.nets import residual_gan, spectral
from ssl_jax.nets.pure import pure


def test_the_iteration_finds_the_greatest_singular_value(strict):
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 6))
    values = np.linalg.svd(kernel.reshape(-1, 6), compute_uv=False)
    step = jax.jit(spectral.iterated)
    vector, found = jnp.ones(6), []
    for _ in range(200):
        value, vector = step(kernel, vector)
        found.append(float(value))
    np.testing.assert_allclose(found[-1], values[0], rtol=1e-8)
    assert found[0] < found[-1] and max(found) < values[0] * (1 + 1e-12)
    slope = jax.grad(lambda k: spectral.iterated(k, vector)[0])(kernel)  # that of a singular value: its two vectors
    u, _, v = np.linalg.svd(kernel.reshape(-1, 6))
    np.testing.assert_allclose(slope.reshape(-1, 6), np.outer(u[:, 0], v[0]), atol=1e-6)


def test_the_vector_moves_in_training_alone():
    net = residual_gan.joint_discriminator(widths=(4,), hidden=4, layers=1)
    x = {"image": jnp.ones((2, 4, 4, 1)), "latent": jnp.ones((2, 3))}
    params, stats = jax.jit(net.init)(jax.random.key(0), x)
    trained = jax.jit(lambda s: net.apply(params, s, x, train=True)[1])(stats)
    assert not np.array_equal(trained["of_both"]["linear"]["vector"], stats["of_both"]["linear"]["vector"])
    scores, kept = jax.jit(lambda s: net.apply(params, s, x, train=False))(stats)
    assert jax.tree.all(jax.tree.map(np.array_equal, kept, stats))
    assert {name: score.shape for name, score in scores.items()} == dict.fromkeys(("image", "latent", "joint"), (2,))


def test_the_scores_see_what_they_are_named_by():
    net = residual_gan.joint_discriminator(widths=(4, 4), hidden=4, layers=1)
    generator = np.random.default_rng(1)
    images, latents = (jnp.asarray(generator.normal(size=s), jnp.float32) for s in ((2, 2, 4, 4, 1), (2, 2, 3)))
    params, stats = jax.jit(net.init)(jax.random.key(0), {"image": images[0], "latent": latents[0]})
    score = jax.jit(lambda i, z: net.apply(params, stats, {"image": i, "latent": z}, train=False)[0])
    here, image, latent = score(images[0], latents[0]), score(images[1], latents[0]), score(images[0], latents[1])
    moved = {"image": [name for name in here if not np.array_equal(here[name], image[name])]}
    moved["latent"] = [name for name in here if not np.array_equal(here[name], latent[name])]
    assert {name: sorted(seen) for name, seen in moved.items()} == {
        "image": ["image", "joint"],
        "latent": ["joint", "latent"],
    }


def attended_by_loops(x, kernels, gamma):
    """SAGAN's layer place by place; keys and values are the greatest of squares of 2 x 2 places."""
    query, key, value = (np.einsum("bhwc,cd->bhwd", x, kernels[name]) for name in ("query", "key", "value"))
    out = x.copy()
    for b in range(len(x)):
        squares = [(i, j) for i in range(0, x.shape[1] - 1, 2) for j in range(0, x.shape[2] - 1, 2)]
        keys, values = (
            np.stack([a[b, i : i + 2, j : j + 2].reshape(4, -1).max(0) for i, j in squares]) for a in (key, value)
        )
        for i, j in np.ndindex(x.shape[1:3]):
            scores = np.exp([query[b, i, j] @ k for k in keys])
            out[b, i, j] += gamma * (scores @ values / scores.sum()) @ kernels["output"]
    return out


def test_attention_by_loops_and_nothing_at_the_start(strict):
    net, g = pure(residual_gan.SelfAttention(jnp.dtype("float64"))), np.random.default_rng(0)
    x = g.normal(size=(2, 4, 6, 16))
    params, stats = jax.jit(net.init)(jax.random.key(0), x)
    apply = jax.jit(lambda params: net.apply(params, stats, x, train=False)[0])
    np.testing.assert_array_equal(apply(params), x)
    params = {**jax.tree.map(lambda a: 3 * g.normal(size=a.shape), params), "gamma": jnp.asarray(0.7)}
    kernels = {}
    for name in ("query", "key", "value", "output"):
        kernel = np.asarray(params[name]["kernel"])
        kernels[name] = kernel[0, 0] / float(spectral.iterated(kernel, stats[name]["vector"])[0])
    assert {name: k.shape[1] for name, k in kernels.items()} == {"query": 2, "key": 2, "value": 8, "output": 16}
    np.testing.assert_allclose(apply(params), attended_by_loops(x, kernels, 0.7), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("side", [4, 8])
def test_attention_is_behind_the_block_of_its_side(side):
    made = residual_gan.residual_generator(size=8, widths=(16, 16, 8), attention=side)
    params, _ = jax.eval_shape(made.init, jax.random.key(0), jnp.zeros((2, 6)))
    assert params["attention"]["output"]["kernel"].shape[-1] == {4: 16, 8: 8}[side]
    judge = residual_gan.joint_discriminator(widths=(8, 16, 16), hidden=4, layers=1, attention=side)
    x = {"image": jnp.zeros((2, 16, 16, 3)), "latent": jnp.zeros((2, 6))}
    params, _ = jax.eval_shape(judge.init, jax.random.key(0), x)
    assert params["attention"]["output"]["kernel"].shape[-1] == {8: 8, 4: 16}[side]


def test_what_makes_no_sense_is_a_sentence():
    with pytest.raises(ValueError, match=r"attention is at maps of side 6, and blocks end at \[8, 4\]: take one, or 0"):
        residual_gan.residual_generator(size=8, widths=(4, 4, 4), attention=6)
    judge = residual_gan.joint_discriminator(widths=(4, 4), hidden=4, layers=1, attention=8)
    with pytest.raises(ValueError, match=r"attention is at maps of side 8, and blocks end at \[4\]"):
        x = {"image": jnp.zeros((2, 8, 8, 1)), "latent": jnp.zeros((2, 3))}
        jax.eval_shape(judge.init, jax.random.key(0), x)
    with pytest.raises(ValueError, match="size is 30 and 2 blocks double it as often: give a multiple of 4"):
        residual_gan.residual_generator(size=30)
    net = residual_gan.residual_generator(size=8, widths=(4, 4))
    with pytest.raises(ValueError, match="a code of 5 numbers cannot be cut into 2 pieces"):
        jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((2, 5)))
