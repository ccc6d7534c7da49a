"""Tokens as colors, and the map of scikit-learn's t-SNE."""

import numpy as np
import pytest

from ssl_jax.evals import manifold, tokens

X = np.random.default_rng(0).normal(size=(3, 4, 4, 6)) * np.array([9.0, 5.0, 3.0, 0.1, 0.1, 0.1])


def test_tokens_come_row_by_row():
    np.testing.assert_array_equal(tokens.grid(X.reshape(3, 16, 6)), X)
    with pytest.raises(ValueError, match="15 tokens are those of no square image"):
        tokens.grid(np.zeros((2, 15, 3)))


def test_colors_are_the_principal_components_between_their_percentiles():
    flat = X.reshape(-1, 6) - X.reshape(-1, 6).mean(0)
    values, directions = np.linalg.eigh(flat.T @ flat)
    found = tokens.colors(X)
    assert found.shape == (3, 4, 4, 3) and found.min() == 0 and found.max() == 1
    for k in range(3):
        direction = directions[:, np.argsort(-values)[k]]
        component = flat @ (direction * np.sign(direction[np.abs(direction).argmax()]))
        low, high = np.percentile(component, [1, 99])
        np.testing.assert_allclose(found[..., k].ravel(), np.clip((component - low) / (high - low), 0, 1), atol=1e-8)


def test_too_little_for_three_colors_is_a_sentence():
    with pytest.raises(ValueError, match="three components need three tokens and features, these are 48 and 2"):
        tokens.colors(X[..., :2])


def test_the_map_keeps_groups_together_and_is_the_same_twice():
    groups = np.repeat(np.arange(3), 20)
    x = 8 * np.eye(3)[groups] + np.random.default_rng(1).normal(size=(60, 3))
    found = manifold.tsne(x)
    np.testing.assert_array_equal(found, manifold.tsne(x))
    distance = np.linalg.norm(found[:, None] - found[None], axis=-1) + np.where(np.eye(60), np.inf, 0)
    assert (groups[distance.argmin(1)] == groups).all()
    with pytest.raises(ValueError, match="at least 4 points, these are 3"):
        manifold.tsne(x[:3])
