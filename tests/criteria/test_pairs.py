import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import pairs
from ssl_jax.losses import contrastive, redundancy


def cos(a, b):
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def value(criterion, seen):
    return jax.jit(criterion.loss)({}, {}, seen)[0]


def metrics(criterion, seen):
    return jax.jit(criterion.loss)({}, {}, seen)[1]


def test_byol_is_the_sum_of_both_assignments(strict, see):
    seen = see(5, 2, 2, 4)
    pairs_of = zip(seen.student, seen.teacher, strict=True)
    expected = np.mean([(2 - 2 * cos(p[0], z[1])) + (2 - 2 * cos(p[1], z[0])) for p, z in pairs_of])
    assert_allclose(value(pairs.byol(), seen), expected, rtol=1e-12)


def test_simsiam_is_half_and_half(strict, see):
    seen = see(5, 2, 2, 4)
    pairs_of = zip(seen.student, seen.teacher, strict=True)
    expected = np.mean([-cos(p[0], z[1]) / 2 - cos(p[1], z[0]) / 2 for p, z in pairs_of])
    assert_allclose(value(pairs.simsiam(), seen), expected, rtol=1e-12)


@pytest.mark.parametrize("rho", [2, 3, 4])
def test_rho_byol_is_the_mean_over_all_ordered_pairs_of_clips_in_value_and_gradient(strict, see, rho):
    seen, temperature = see(5, rho, rho, 4), 0.3
    student, teacher = (np.asarray(x) for x in (seen.student, seen.teacher))
    total, slope, count = 0.0, np.zeros(student.shape), 0
    for i in range(5):
        for s in range(rho):
            for t in range(rho):
                if s != t:
                    p, z = student[i, s], teacher[i, t] / np.linalg.norm(teacher[i, t])
                    length = np.linalg.norm(p)
                    total -= p @ z / length / temperature
                    slope[i, s] -= (z / length - p * (p @ z) / length**3) / temperature
                    count += 1
    assert count == 5 * rho * (rho - 1)
    criterion = pairs.rho_byol(temperature=temperature)
    assert_allclose(value(criterion, seen), total / count, rtol=1e-10)
    gradient = jax.grad(lambda x: value(criterion, seen._replace(student=x)))(seen.student)
    assert_allclose(gradient, slope / count, rtol=1e-10, atol=1e-12)
    back = seen._replace(student=seen.student[:, ::-1], teacher=seen.teacher[:, ::-1])
    assert_allclose(value(criterion, back), value(criterion, seen), rtol=1e-12)  # the order of clips does not matter


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_moco_v3_is_the_scaled_sum_of_both_directions_in_value_and_gradient(strict, see, gradient, temperature):
    seen = see(5, 2, 2, 4)

    def expected(student):
        total = 0
        for p, z in ((student[:, 0], seen.teacher[:, 1]), (student[:, 1], seen.teacher[:, 0])):
            for i in range(5):
                unit = [x / np.sqrt((x * x).sum()) for x in (p[i], *z)]
                scores = [np.exp((unit[0] * k).sum() / temperature) for k in unit[1:]]
                total -= 2 * temperature * np.log(scores[i] / sum(scores)) / 5
        return total

    criterion = pairs.moco_v3(temperature=temperature)
    found, slope = jax.value_and_grad(lambda x: value(criterion, seen._replace(student=x)))(seen.student)
    assert_allclose(found, expected(seen.student), rtol=1e-10)
    assert_allclose(slope, gradient(expected, seen.student), atol=1e-10)
    even = seen._replace(student=np.ones((5, 2, 4)), teacher=np.ones((5, 2, 4)))
    assert_allclose(value(criterion, even), 4 * temperature * np.log(5), rtol=1e-12)


def test_rho_byol_of_two_clips_at_a_temperature_of_one_half_is_byol_up_to_a_constant(strict, see):
    seen = see(5, 2, 2, 4)
    assert_allclose(2 * value(pairs.rho_byol(), seen) + 4, value(pairs.byol(), seen), rtol=1e-12)


def test_multi_crop_never_pairs_a_view_with_itself(strict, see):
    seen = see(3, 4, 2, 5)
    expected = np.mean(
        [-cos(seen.student[i, s], seen.teacher[i, t]) for i in range(3) for t in range(2) for s in range(4) if s != t]
    )
    assert_allclose(value(pairs.simsiam(), seen), expected, rtol=1e-12)
    assert_allclose(value(pairs.byol(), seen), 2 * (2 + 2 * expected), rtol=1e-12)


def test_known_values(strict, see):
    seen = see(4096, 2, 2, 64)
    assert_allclose(value(pairs.byol(), seen), 4, atol=0.02)
    assert_allclose(value(pairs.simsiam(), seen), 0, atol=0.005)
    same = seen._replace(student=seen.teacher[:, ::-1])
    assert_allclose(value(pairs.byol(), same), 0, atol=1e-12)
    assert_allclose(value(pairs.byol(), same._replace(student=-same.student)), 8, rtol=1e-12)
    assert_allclose(value(pairs.simsiam(), same), -1, rtol=1e-12)


@pytest.mark.parametrize("criterion", [pairs.byol(), pairs.simsiam(), pairs.nt_xent(), pairs.barlow(), pairs.vicreg()])
def test_swapping_the_views_changes_nothing(strict, see, criterion):
    seen = see(6, 2, 2, 4)
    swapped = seen._replace(student=seen.student[:, ::-1], teacher=seen.teacher[:, ::-1])
    assert_allclose(value(criterion, swapped), value(criterion, seen), rtol=1e-12)


def test_positive_scales_change_nothing_for_cosines(strict, see):
    seen = see(6, 2, 2, 4)
    scaled = seen._replace(student=3 * seen.student, teacher=seen.teacher / 7)
    for criterion in (pairs.byol(), pairs.simsiam(), pairs.nt_xent()):
        assert_allclose(value(criterion, scaled), value(criterion, seen), rtol=1e-12)


def test_two_views_are_the_papers_formulas(strict, see):
    seen = see(6, 2, 2, 4)
    a, b = seen.student[:, 0], seen.student[:, 1]
    assert_allclose(value(pairs.nt_xent(temperature=0.3), seen), contrastive.nt_xent(seen.student, 0.3), rtol=1e-12)
    assert_allclose(
        value(pairs.barlow(off_diagonal=0.1), seen), redundancy.barlow(a, b, off_diagonal=0.1)[0], rtol=1e-12
    )
    weights = {"invariance": 3.0, "variance": 5.0, "covariance": 7.0}
    assert_allclose(value(pairs.vicreg(**weights), seen), redundancy.vicreg(a, b, **weights)[0], rtol=1e-12)
    seen_terms = metrics(pairs.vicreg(**weights), seen)
    total = sum(weights[name] * seen_terms[f"redundancy/{name}"] for name in weights)
    assert_allclose(total, value(pairs.vicreg(**weights), seen), rtol=1e-12)


def test_pairs_of_two_local_crops_are_left_out_of_barlow(strict, see):
    seen = see(6, 4, 2, 3)
    z = seen.student
    expected = [redundancy.barlow(z[:, i], z[:, j])[0] for i, j in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3))]
    assert_allclose(value(pairs.barlow(), seen), np.mean(expected), rtol=1e-12)
