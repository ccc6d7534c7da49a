import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import gaussian
from ssl_jax.losses import gaussian as formulas


def epps_pulley_by_loops(x, knots, reach):
    """Over the whole line of -reach..reach, of which the loss makes half."""
    total, step = 0, reach / (knots - 1)
    for k in range(-(knots - 1), knots):
        t = k * step
        cosine, sine = sum(np.cos(t * x)) / len(x), sum(np.sin(t * x)) / len(x)
        height = ((cosine - np.exp(-t * t / 2)) ** 2 + sine**2) * np.exp(-t * t / 2)
        total += height * step * (0.5 if abs(k) == knots - 1 else 1)
    return len(x) * total


def lejepa_by_loops(z, w, weight, directions, knots, reach):
    b, v, d = z.shape
    apart, sigreg = 0, 0
    for i in range(b):
        center = sum(z[i, t] for t in range(w)) / w
        apart += sum(((z[i, s] - center) ** 2).sum() for s in range(v)) / (b * v * d)
    for s in range(v):
        for a in directions.T:
            x = z[:, s] @ (a / np.sqrt((a * a).sum()))
            sigreg += epps_pulley_by_loops(x, knots, reach) / directions.shape[1] / v
    return (1 - weight) * apart + weight * sigreg


@pytest.mark.parametrize("v, w", [(2, 2), (4, 2)])
def test_the_loss_by_loops_in_value_and_gradient(strict, see, gradient, v, w):
    criterion, seen = gaussian.lejepa(weight=0.3, directions=4, knots=5, reach=2.0), see(5, v, w, 3)
    drawn = np.asarray(jax.random.normal(seen.key, (3, 4), jnp.float64))
    loss = jax.jit(jax.value_and_grad(lambda x: criterion.loss({}, {}, seen._replace(student=x))[0]))
    value, slope = loss(seen.student)
    options = (w, 0.3, drawn, 5, 2.0)
    assert_allclose(value, lejepa_by_loops(seen.student, *options), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: lejepa_by_loops(x, *options), seen.student), atol=1e-10)


def test_the_test_at_known_distributions(strict):
    g = np.random.default_rng(0)
    expected = np.sqrt(2 * np.pi) - np.sqrt(2 * np.pi / 3)  # E of n |difference|^2 is 1 - exp(-t^2), of all t
    for n in (16, 64):
        assert_allclose(np.mean(formulas.epps_pulley(g.normal(size=(n, 20000)))), expected, rtol=0.05)
    zero = formulas.epps_pulley(np.zeros((100, 1)), knots=1001, reach=8.0)
    whole = np.sqrt(2 * np.pi) - 2 * np.sqrt(np.pi) + np.sqrt(2 * np.pi / 3)  # of (1 - exp(-t^2 / 2))^2 exp(-t^2 / 2)
    assert_allclose(zero, 100 * whole, rtol=1e-4)


def test_every_other_distribution_is_worse(strict):
    g = np.random.default_rng(1)
    x, directions = g.normal(size=(512, 8)), g.normal(size=(8, 64))
    best = formulas.sliced(x, directions)
    others = (2 * x, x / 2, x + 1, np.sign(x), x * np.array([3, 1, 1, 1, 1, 1, 1, 0.1]), np.zeros_like(x))
    assert min(formulas.sliced(other, directions) for other in others) > 2 * best
    assert_allclose(formulas.sliced(x[::-1], directions), best, rtol=1e-10)
    assert_allclose(formulas.sliced(x, 7 * directions), best, rtol=1e-10)  # directions have no length


def test_directions_are_drawn_by_the_steps_key(strict, see):
    criterion, seen = gaussian.lejepa(directions=8), see(6, 2, 2, 4)
    one, again, other = (criterion.loss({}, {}, seen._replace(key=jax.random.key(k)))[0] for k in (0, 0, 1))
    assert one == again and one != other


@pytest.mark.parametrize(
    "shape, sentence", [((4, 1, 1, 3), "2 views of an image, got 1"), ((1, 2, 2, 3), "got 1; raise")]
)
def test_too_few_are_refused(see, shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        gaussian.lejepa().init(jax.random.key(0), see(*shape))
    with pytest.raises(ValueError, match="knots is 1"):
        gaussian.lejepa(knots=1)
