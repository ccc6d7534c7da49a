import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import spectral
from ssl_jax.losses import spectral as formulas


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def value(criterion, seen):
    return jax.jit(criterion.loss)({}, {}, seen)[0]


def slope(criterion, seen):
    return jax.jit(jax.grad(lambda x: criterion.loss({}, {}, seen._replace(student=x))[0]))(seen.student)


def differences(f, x, step=1e-5):
    """Central, of the fourth order: exact to about 1e-10 of a smooth f."""
    out = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        moved = []
        for times in (-2, -1, 1, 2):
            other = x.copy()
            other[place] += times * step
            moved.append(f(other))
        out[place] = (moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * step)
    return out


def nuclear_by_eigenvalues(c):
    return np.sqrt(np.maximum(np.linalg.eigvalsh(c @ c.T if len(c) <= len(c.T) else c.T @ c), 0)).sum()


def mmcr_by_loops(student, teacher, weight):
    centroids, local = [], 0
    for views, others in zip(unit(student), unit(teacher), strict=True):
        centroids.append((views.mean(0) + others.mean(0)) / 2)
        local += nuclear_by_eigenvalues(views) / len(student)
    return weight * local - nuclear_by_eigenvalues(np.stack(centroids))


def frossl_by_loops(z, weight):
    b, v, d = z.shape
    columns = np.stack([[z[:, i, j] / np.sqrt((z[:, i, j] ** 2).sum()) for j in range(d)] for i in range(v)])
    total, mean = 0, columns.mean(0)
    for view in columns:  # [d, b]
        k = view @ view.T / sum(view[j] @ view[j] for j in range(d))
        total += np.log((k * k).sum())
        total += weight * v * d * sum((x - m) ** 2 for x, m in zip(view.ravel(), mean.ravel(), strict=True)) / (b * d)
    return total


@pytest.mark.parametrize("b, d", [(5, 3), (3, 5)])
def test_mmcr_by_eigenvalues_in_value_and_gradient(strict, see, b, d):
    criterion, seen = spectral.mmcr(local_weight=0.3), see(b, 2, 2, d)
    assert_allclose(value(criterion, seen), mmcr_by_loops(seen.student, seen.teacher, 0.3), rtol=1e-10)
    expected = differences(lambda x: mmcr_by_loops(x, seen.teacher, 0.3), seen.student)
    assert_allclose(slope(criterion, seen), expected, atol=1e-8)


@pytest.mark.parametrize("b, d", [(6, 3), (3, 5)])
def test_the_gradient_of_the_nuclear_norm_is_u_times_v(strict, b, d):
    """Exactly, so that differences need not say so to ten digits; also where singular values are equal, or zero."""
    for x in (np.random.default_rng(0).normal(size=(b, d)), np.eye(b, d)):
        u, _, v = np.linalg.svd(x, full_matrices=False)
        assert_allclose(jax.grad(formulas.nuclear_norm)(x), u @ v, atol=1e-10)
    assert np.isfinite(jax.grad(formulas.nuclear_norm)(np.zeros((b, d)))).all()


@pytest.mark.parametrize("b, v, d", [(6, 2, 3), (3, 3, 5)])
def test_frossl_by_loops_in_value_and_gradient(strict, see, gradient, b, v, d):
    criterion, seen = spectral.frossl(invariance=0.7), see(b, v, 2, d)
    assert_allclose(value(criterion, seen), frossl_by_loops(seen.student, 0.7), rtol=1e-10)
    expected = gradient(lambda x: frossl_by_loops(x, 0.7), seen.student)
    assert_allclose(slope(criterion, seen), expected, atol=1e-10)


def test_mmcr_at_collapse_and_at_its_best(strict, see):
    seen = see(16, 2, 2, 4)
    one = np.broadcast_to(np.eye(4)[0], (16, 2, 4))
    assert_allclose(value(spectral.mmcr(), seen._replace(student=one, teacher=one)), -4, rtol=1e-12)
    spread = np.repeat(np.tile(np.eye(4), (4, 1))[:, None], 2, 1)
    assert_allclose(value(spectral.mmcr(), seen._replace(student=spread, teacher=spread)), -8, rtol=1e-12)


def test_frossl_at_collapse_and_for_independent_features(strict, see):
    criterion, seen = spectral.frossl(), see(512, 2, 2, 32)
    same = np.repeat(seen.student[:, :1], 2, 1)
    found, metrics = jax.jit(criterion.loss)({}, {}, seen._replace(student=same))
    assert_allclose(metrics["spectral/invariance"], 0, atol=1e-12)
    assert_allclose(found, 2 * np.log(1 / 512 + 1 / 32), rtol=0.02)
    copies = np.repeat(same[..., :1], 32, 2)
    assert_allclose(value(criterion, seen._replace(student=copies)), 0, atol=1e-10)


def test_what_changes_nothing(strict, see):
    seen = see(6, 3, 3, 4)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    turned = seen._replace(student=seen.student @ turn, teacher=seen.teacher @ turn)
    assert_allclose(value(spectral.mmcr(local_weight=0.1), turned), value(spectral.mmcr(local_weight=0.1), seen))
    scaled = seen._replace(student=seen.student * np.array([0.1, 1, 2, 30]))
    assert_allclose(value(spectral.frossl(), scaled), value(spectral.frossl(), seen), rtol=1e-12)
    back = seen._replace(student=seen.student[:, ::-1], teacher=seen.teacher[:, ::-1])
    for criterion in (spectral.mmcr(local_weight=0.1), spectral.frossl()):
        assert_allclose(value(criterion, back), value(criterion, seen), rtol=1e-12)
