"""Bags of words and their prediction, against loops in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import distances, words

B, V, L, N, D = 3, 2, 4, 5, 6
G = np.random.default_rng(0)
PLACES, WORDS = G.normal(size=(B, L, D)), G.normal(size=(N, D))


def bags_by_loops(places, vocabulary, sharpness):
    out = np.zeros((B, N))
    for i in range(B):
        for place in places[i]:
            far = np.array([((place - word) ** 2).sum() for word in vocabulary])
            code = np.exp(-sharpness * far)
            out[i] = np.maximum(out[i], code / code.sum())
    return out / out.sum(1, keepdims=True)


def divergence_by_loops(target, logits):
    total = 0
    for i, j in np.ndindex(B, V):
        p = np.exp(logits[i, j]) / np.exp(logits[i, j]).sum()
        total += sum(t * (np.log(t) - np.log(q)) for t, q in zip(target[i], p, strict=True) if t > 0)
    return total / (B * V)


def made(sharpness=0.7, places=PLACES, vocabulary=WORDS):
    return words.bags(distances.squared(jnp.asarray(places), jnp.asarray(vocabulary)), sharpness)


def test_distances_are_squared(strict):
    found = distances.squared(jnp.asarray(PLACES), jnp.asarray(WORDS))
    assert_allclose(found, ((PLACES[:, :, None] - WORDS) ** 2).sum(-1), rtol=1e-12)


def test_a_bag_has_of_each_word_the_most_of_any_place(strict):
    assert_allclose(made(), bags_by_loops(PLACES, WORDS, 0.7), rtol=1e-10)
    assert_allclose(made().sum(1), 1, rtol=1e-12)
    assert np.abs(made() - jax.nn.softmax(-0.7 * distances.squared(PLACES, WORDS), -1).mean(1)).max() > 0.02


def test_places_are_a_bag(strict):
    """Neither their order nor a place that comes twice changes anything."""
    order = np.random.default_rng(1).permutation(L)
    assert_allclose(made(places=PLACES[:, order]), made(), rtol=1e-12)
    assert_allclose(made(places=np.concatenate([PLACES, PLACES], 1)), made(), rtol=1e-12)


def test_far_words_and_hard_codes_stay_finite():
    far = made(sharpness=jnp.float32(1e4), places=PLACES.astype(np.float32), vocabulary=WORDS.astype(np.float32))
    assert np.all(np.isfinite(far)) and np.any(np.asarray(far) == 0)
    slope = jax.grad(lambda logits: words.divergence(far, logits))(jnp.zeros((B, V, N)))
    assert np.all(np.isfinite(slope)) and np.abs(slope).max() > 1e-3


def test_words_that_are_one_are_equally_there(strict):
    assert_allclose(made(vocabulary=np.ones((N, D))), 1 / N, rtol=1e-12)


def test_the_divergence_and_its_gradient_are_those_of_loops(strict, gradient):
    target, logits = np.asarray(made()), np.random.default_rng(2).normal(size=(B, V, N))
    value, (of_target, slope) = jax.value_and_grad(words.divergence, (0, 1))(jnp.asarray(target), jnp.asarray(logits))
    assert_allclose(value, divergence_by_loops(target, logits), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: divergence_by_loops(target, x), logits), atol=1e-10)
    assert not np.any(of_target)


def test_it_is_zero_where_the_bag_is_met_and_the_gap_to_uniform_where_nothing_is_known(strict):
    target = made()
    right = jnp.broadcast_to(jnp.log(target)[:, None], (B, V, N))
    assert_allclose(words.divergence(target, right), 0, atol=1e-12)
    entropy = -(target * np.log(target)).sum(1).mean()
    assert_allclose(words.divergence(target, jnp.zeros((B, V, N))), np.log(N) - entropy, rtol=1e-12)


def test_the_order_of_the_words_is_nothing(strict):
    logits, order = (
        jnp.asarray(np.random.default_rng(2).normal(size=(B, V, N))),
        np.random.default_rng(3).permutation(N),
    )
    one, other = words.divergence(made(), logits), words.divergence(made(vocabulary=WORDS[order]), logits[..., order])
    assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: words.bags(jnp.ones((L, N)), 1.0),
        lambda: words.divergence(jnp.ones((B, N)), jnp.ones((B, N))),
        lambda: words.divergence(jnp.ones((B, V, N)), jnp.ones((B, V, N))),
    ],
)
def test_shapes_that_would_broadcast_are_refused(call):
    with pytest.raises(AssertionError):
        call()
