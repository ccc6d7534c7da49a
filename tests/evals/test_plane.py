import numpy as np
import pytest
from sklearn.decomposition import PCA

from ssl_jax.evals import plane

RNG = np.random.default_rng(0)
LABELS = np.arange(120) % 3
POINTS = (np.eye(3, 10)[LABELS] * 12 + RNG.normal(size=(120, 10))).astype(np.float32)


def test_pca_is_scikit_learns_up_to_the_sign_which_is_fixed():
    mine, shares = plane.pca(POINTS)
    other = PCA(2).fit(POINTS)
    np.testing.assert_allclose(np.abs(mine), np.abs(other.transform(POINTS)), atol=1e-3)
    np.testing.assert_allclose(shares, other.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(plane.pca(POINTS[::-1])[0][::-1], mine, atol=1e-3)


def test_joint_probabilities_have_the_perplexity_of_the_loops():
    p = np.asarray(plane.joint(POINTS[:40], 8.0), np.float64)
    square = ((POINTS[:40, None] - POINTS[None, :40]) ** 2).sum(-1).astype(np.float64)
    rows = np.zeros((40, 40))
    for i in range(40):
        low, high = 1e-8, 1e4
        for _ in range(200):
            beta = np.sqrt(low * high)
            w = np.exp(-beta * (square[i] - np.delete(square[i], i).min()))
            w[i] = 0
            q = w / w.sum()
            entropy = -np.sum(q[q > 0] * np.log(q[q > 0]))
            low, high = (beta, high) if entropy > np.log(8) else (low, beta)
        rows[i] = q
    np.testing.assert_allclose(p, np.maximum((rows + rows.T) / 80, 1e-12), rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-5)


def test_tsne_lowers_its_cost_parts_clusters_and_repeats_itself():
    y = plane.tsne(POINTS, perplexity=20.0, steps=300)
    p = plane.joint(POINTS, 20.0)
    assert plane.divergence(p, y) < 0.7 * plane.divergence(p, plane.pca(POINTS)[0])
    centers = np.stack([y[LABELS == c].mean(0) for c in range(3)])
    nearest = np.linalg.norm(y[:, None] - centers[None], axis=-1).argmin(1)
    assert np.mean(nearest == LABELS) == 1
    np.testing.assert_array_equal(y, plane.tsne(POINTS, perplexity=20.0, steps=300))


def test_too_few_points_is_a_sentence():
    with pytest.raises(ValueError, match="perplexity 30 needs 91 points or more, not 20"):
        plane.tsne(POINTS[:20])
