import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import contrastive

supcon, nt_xent = jax.jit(contrastive.supcon), jax.jit(contrastive.nt_xent)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def cos(a, b):
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def by_loops(views, labels, temperature):
    """Eq. 2: for each of the 2b anchors the mean over P(i) of -log of the positive's share among A(i)."""
    b, v, _ = views.shape
    rows = [(i, j) for i in range(b) for j in range(v)]
    terms = []
    for i, s in rows:
        others = [(j, t) for j, t in rows if (j, t) != (i, s)]
        positives = [(j, t) for j, t in others if i == j or labels[i] == labels[j] >= 0]
        if positives:
            sims = {row: np.exp(cos(views[i, s], views[row]) / temperature) for row in others}
            total = sum(sims.values())
            terms.append(-sum(np.log(sims[row] / total) for row in positives) / len(positives))
    return sum(terms) / max(len(terms), 1)


@pytest.mark.parametrize("labels", [[0, 1, 0, 2, 0], [3, 3, 3, 3, 3], [-1, 4, -1, 4, 0]])
@pytest.mark.parametrize("v", [1, 2, 3])
def test_it_is_equation_2(strict, gradient, labels, v):
    views, labels = normal(v, 5, v, 3), np.array(labels)
    value, slope = jax.value_and_grad(supcon)(views, labels, 0.3)
    assert_allclose(value, by_loops(views, labels, 0.3), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: by_loops(x, labels, 0.3), views), atol=1e-10)


@pytest.mark.parametrize("labels", [np.arange(6), np.full(6, -1)])
def test_with_no_label_twice_it_is_nt_xent(strict, labels):
    views = normal(5, 6, 2, 4)
    value, slope = jax.value_and_grad(supcon)(views, labels, 0.2)
    expected = jax.value_and_grad(nt_xent)(views, 0.2)
    assert_allclose(value, expected[0], rtol=1e-12)
    assert_allclose(slope, expected[1], atol=1e-12)


def test_known_points_and_symmetries(strict):
    labels, views = np.array([0, 1, 0, 2, 1, 0]), normal(6, 6, 2, 4)
    assert_allclose(supcon(np.ones((6, 2, 4)), labels, 0.1), np.log(11), rtol=1e-12)
    # All of one class: nothing is lower than the collapse.
    assert supcon(views, np.zeros(6, int), 0.1) > np.log(11)
    value, order = supcon(views, labels, 0.1), np.random.default_rng(7).permutation(6)
    for same, named in ((views, (labels + 1) % 3), (views[order], labels[order]), (views[:, ::-1] * 7, labels)):
        assert_allclose(supcon(same, named, 0.1), value, rtol=1e-12)
    assert abs(supcon(views, labels[order], 0.1) - value) > 1e-2


def test_where_no_view_has_another_of_its_class_there_is_no_loss(strict):
    value, slope = jax.value_and_grad(supcon)(normal(8, 4, 1, 3), np.arange(4), 0.1)
    assert value == 0 and not np.any(slope)
