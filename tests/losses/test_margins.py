import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.losses import distances, margins

hadsell, bromley = jax.jit(margins.hadsell), jax.jit(margins.bromley, static_argnames="apart")
triplet = jax.jit(margins.triplet, static_argnames="squared")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def means_by_loops(views, similar, dissimilar):
    """The means of two functions of pairs of rows: of one example, and of two."""
    b, v, _ = views.shape
    rows = [(i, s) for i in range(b) for s in range(v)]
    kinds = ([], [])
    for n, one in enumerate(rows):
        for other in rows[n + 1 :]:
            two = one[0] != other[0]
            kinds[two].append((dissimilar if two else similar)(views[one], views[other]))
    return sum(sum(terms) / len(terms) for terms in kinds)


def distance(x, y):
    return np.sqrt(((x - y) ** 2).sum())


def cos(x, y):
    return (x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum())


def hadsell_by_loops(views, margin):
    """Eq. 4 with Y = 0 for similar pairs: (1 - Y) D^2 / 2 + Y max(0, m - D)^2 / 2."""

    def dissimilar(x, y):
        d = distance(x, y)
        return (margin - d) ** 2 / 2 if d.real < margin else 0 * d

    return means_by_loops(views, lambda x, y: ((x - y) ** 2).sum() / 2, dissimilar)


@pytest.mark.parametrize("margin", [0.5, 2.0, 100.0])
@pytest.mark.parametrize("v", [2, 3])
def test_hadsell_is_equation_4_over_both_kinds_of_pairs(strict, gradient, margin, v):
    views = normal(v, 4, v, 3)
    value, slope = jax.value_and_grad(hadsell)(views, margin)
    assert_allclose(value, hadsell_by_loops(views, margin), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: hadsell_by_loops(x, margin), views), atol=1e-10)


@pytest.mark.parametrize("v", [2, 3])
def test_bromley_is_the_squared_difference_from_the_wanted_cosine(strict, gradient, v):
    def by_loops(x):
        return means_by_loops(x, lambda x, y: (1 - cos(x, y)) ** 2, lambda x, y: (cos(x, y) + 0.9) ** 2)

    views = normal(v, 4, v, 3)
    value, slope = jax.value_and_grad(bromley)(views)
    assert_allclose(value, by_loops(views), rtol=1e-10)
    assert_allclose(slope, gradient(by_loops, views), atol=1e-10)


def test_pairs_at_known_points(strict):
    for formula, collapsed in ((lambda x: hadsell(x, 1.5), 1.5**2 / 2), (bromley, 1.9**2)):
        value, slope = jax.value_and_grad(formula)(np.ones((5, 2, 3)))
        assert_allclose(value, collapsed, rtol=1e-12)
        assert_allclose(slope, 0, atol=1e-12)
    # Views alike and examples farther than the margin: nothing is left to be done.
    perfect = np.repeat(3 * np.eye(4)[:, None], 2, 1)
    value, slope = jax.value_and_grad(hadsell)(perfect, 1.0)
    assert value == 0 and not np.any(slope)
    one_of_each = normal(4, 2, 2, 3)
    slope = jax.grad(hadsell)(one_of_each, 0.0)  # similar pairs alone
    assert_allclose(slope[:, 0], -slope[:, 1], atol=1e-12)


def test_pairs_symmetries(strict):
    views, order = normal(5, 5, 2, 3), np.random.default_rng(6).permutation(5)
    rotation = np.linalg.qr(normal(7, 3, 3))[0]
    for formula, more in ((lambda x: hadsell(x, 1.5), views + 4), (bromley, views * 3)):
        for same in (views[:, ::-1], views[order], views @ rotation, more):
            assert_allclose(formula(same), formula(views), rtol=1e-10)


@pytest.mark.parametrize("squared", [True, False])
def test_triplet_is_equation_2(strict, gradient, squared):
    rows, power = normal(8, 3, 6, 4), 2 if squared else 1

    def by_loops(rows):
        terms = []
        for a, p, n in zip(*rows, strict=True):
            term = distance(a, p) ** power - distance(a, n) ** power + 0.3
            terms.append(term if term.real > 0 else 0)
        return np.array(terms)

    value = triplet(*rows, 0.3, squared=squared)
    assert_allclose(value, by_loops(rows), rtol=1e-10)
    assert 0 < np.sum(value == 0) < 6
    slope = jax.grad(lambda x: triplet(*x, 0.3, squared=squared).sum())(rows)
    assert_allclose(slope, gradient(lambda x: by_loops(x).sum(), rows), atol=1e-10)


@pytest.mark.parametrize("squared", [True, False])
def test_triplet_at_collapse_is_the_margin_without_a_gradient(strict, squared):
    same = np.ones((4, 3))
    value, slopes = jax.value_and_grad(lambda *x: triplet(*x, 0.2, squared=squared).mean(), (0, 1, 2))(same, same, same)
    assert_allclose(value, 0.2, rtol=1e-12)
    assert not any(np.any(x) for x in slopes)


@pytest.mark.parametrize("squared", [True, False])
def test_triplet_knows_no_common_motion(strict, squared):
    rows, rotation = normal(9, 3, 6, 4), np.linalg.qr(normal(10, 4, 4))[0]
    value = triplet(*rows, 1.0, squared=squared)
    assert_allclose(triplet(*(rows @ rotation + 2), 1.0, squared=squared), value, rtol=1e-10, atol=1e-10)


def test_mining(strict):
    apart = np.random.default_rng(11).uniform(size=(9, 9))
    apart[0] = [0.99, *np.linspace(0.1, 0.8, 8)]  # no negative is farther than this positive
    hard, semi = margins.hardest(apart), margins.semi_hard(apart)
    for i, row in enumerate(apart):
        negatives = [j for j in range(9) if j != i]
        farther = [j for j in negatives if row[j] > row[i]]
        assert hard[i] == min(negatives, key=lambda j, row=row: row[j])
        assert semi[i] == (
            min(farther, key=lambda j, row=row: row[j]) if farther else max(negatives, key=row.__getitem__)
        )
    assert semi[0] == 8
    assert_array_equal([x.dtype for x in (hard, semi)], [np.int32] * 2)


def test_roots_have_a_gradient_everywhere(strict):
    assert_array_equal(distances.root(np.array([4.0, 0.0, -1e-9])), [2, 0, 0])
    assert_array_equal(jax.vmap(jax.grad(distances.root))(np.array([4.0, 0.0, -1e-9])), [0.25, 0, 0])
