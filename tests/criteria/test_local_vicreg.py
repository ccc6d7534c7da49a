"""VICRegL's local term by loops, and the points at which its value is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import local, pairs
from ssl_jax.methods import vicreg, vicregl
from ssl_jax.nets import heads, resnet

B, SIDE, D = 6, 3, 4
L = SIDE**2
LOSS = jax.jit(local.vicreg(num_matches=(5, 2)).loss)
WHOLE, MIRRORED = [[1.0, 0, 0], [0, 1, 0]], [[-1.0, 0, 1], [0, 1, 0]]


def seen_by(see, seed=0, scale=1.0, **given):
    g = np.random.default_rng(seed)
    maps = g.uniform(0.2, 0.8, (B, 2, 2, 3)) * np.array([[1, 0, 0.5], [0, 1, 0.5]])
    z = scale * g.normal(size=(B, 2, L, D))
    return see(B, 2, 2, D, student=z, teacher=z, batch={"global/place": maps})._replace(**given)


def vicreg_by_loops(a, b):
    """[b, m, d]: a mean over m of 25 x invariance, 25 x variance and 1 x covariance, each a mean over both views."""
    n, m, d = a.shape
    total = 25 * ((a - b) ** 2).sum() / (n * m * d)
    for x in (a, b):
        for place in range(m):
            y = x[:, place] - x[:, place].mean(0)
            for i in range(d):
                deviation = np.sqrt((y[:, i] ** 2).sum() / (n - 1) + 1e-4)
                total += 25 / 2 * (1 - deviation if deviation.real < 1 else 0) / (d * m)
                total += sum((y[:, i] * y[:, j]).sum() ** 2 for j in range(d) if j != i) / (n - 1) ** 2 / (2 * d * m)
    return total


def matched(a, b, near, far, count):
    """The places of a [b, l, d] with the `count` nearest neighbors in b, judged by near and far; in a's order."""
    rows = []
    for i in range(B):
        table = [[((p - q) ** 2).sum() for q in far[i]] for p in near[i]]
        kept = sorted(np.argsort([min(row) for row in table])[:count])
        rows.append(([a[i, k] for k in kept], [b[i, np.argmin(table[k])] for k in kept]))
    return (np.array([row[side] for row in rows]) for side in (0, 1))


def grid(maps):
    points = [((column + 0.5) / SIDE, (row + 0.5) / SIDE, 1.0) for row in range(SIDE) for column in range(SIDE)]
    return np.array([[m @ np.array(point) for point in points] for m in maps])


def by_loops(z, maps, counts):
    total = 0
    for first, second in ((0, 1), (1, 0)):
        for (i, j), count in (((first, second), counts[0]), ((second, first), counts[1])):
            features, where = (z[:, i].real, z[:, j].real), (grid(maps[:, i]), grid(maps[:, j]))
            for near, far in (features, where):
                total += vicreg_by_loops(*matched(z[:, i], z[:, j], near, far, count)) / 2
    return total / 2


def test_value_and_gradient_are_those_of_loops(strict, see, gradient):
    seen = seen_by(see, scale=0.9)  # features on both sides of the hinge
    slopes = jax.value_and_grad(lambda z: LOSS({}, {}, seen._replace(student=z)), has_aux=True)
    (value, metrics), slope = slopes(seen.student)
    maps = seen.batch["global/place"]
    assert_allclose(value, by_loops(seen.student, maps, (5, 2)), rtol=1e-10)
    expected = gradient(lambda student: by_loops(student, maps, (5, 2)), seen.student)
    assert_allclose(slope, expected, atol=1e-10)
    assert metrics["redundancy/invariance"] > 0


def test_more_matches_than_places_are_all_places(strict, see):
    seen = seen_by(see)
    values = [local.vicreg(num_matches=n).loss({}, {}, seen)[0] for n in ((L, L), (20, 1000))]
    assert_allclose(values[0], values[1], rtol=1e-12)


def test_identical_views_in_one_place_are_invariant(strict, see):
    seen = seen_by(see)
    same = np.repeat(seen.student[:, :1], 2, 1)
    seen = seen._replace(student=same, batch={"global/place": np.tile(WHOLE, (B, 2, 1, 1))})
    assert_allclose(LOSS({}, {}, seen)[1]["redundancy/invariance"], 0, atol=1e-12)


def test_a_mirrored_view_is_invariant_where_its_place_says_so(strict, see):
    seen = seen_by(see)
    z = np.stack([seen.student[:, 0], seen.student[:, 0].reshape(B, SIDE, SIDE, D)[:, :, ::-1].reshape(B, L, D)], 1)
    values = []
    for second in (MIRRORED, WHOLE):
        maps = np.tile([WHOLE, second], (B, 1, 1, 1))
        values.append(LOSS({}, {}, seen._replace(student=z, batch={"global/place": maps}))[1]["redundancy/invariance"])
    assert_allclose(values[0], 0, atol=1e-12)
    assert values[1] > 0.1


def test_one_place_is_vicreg_twice(strict, see):
    """Of one place both matches are itself; the local term is their sum."""
    seen = seen_by(see)
    one = seen._replace(student=seen.student[:, :, :1])
    flat = seen._replace(student=seen.student[:, :, 0])
    expected = pairs.vicreg(covariance=0.5).loss({}, {}, flat)[0]
    assert_allclose(local.vicreg().loss({}, {}, one)[0], 2 * expected, rtol=1e-12)


def test_alpha_of_one_is_vicreg(strict):
    encoder = resnet.resnet(depth=(1, 1), base=4, stem="half", dtype="float64")
    head, dense = (heads.mlp(widths=(8, 8), dtype="float64") for _ in range(2))
    g = np.random.default_rng(0)
    batch = {
        "global": jnp.asarray(g.normal(size=(B, 2, 8, 8, 3))),
        "global/place": jnp.tile(jnp.array(WHOLE), (B, 2, 1, 1)),
    }
    rest = (batch, jax.random.key(1), jnp.zeros((), jnp.int32))
    method = vicregl.vicregl(encoder, head, dense, alpha=1.0, covariance=1.0)
    params, state = jax.jit(method.init)(jax.random.key(0), batch)
    known = ({**params, "criterion": {}}, {**state, "criterion": {}})
    whole, _ = jax.jit(vicreg.vicreg(encoder, head).loss)(*known, *rest)
    value, aux = jax.jit(method.loss)(params, state, *rest)
    assert_allclose(value, whole, rtol=1e-12)
    assert aux.metrics["places/loss"] > 0


def test_no_gradient_reaches_what_decides_the_matches(strict, see):
    seen = seen_by(see)
    slope = jax.grad(lambda maps: LOSS({}, {}, seen._replace(batch={"global/place": maps}))[0])
    assert not np.any(slope(seen.batch["global/place"]))


@pytest.mark.parametrize(
    "change, sentence",
    [
        (dict(batch={}), "say places=True in the recipe's views"),
        (dict(student=np.zeros((B, 2, 6, D))), "places of square maps, and the encoder has 6 of a view"),
        (dict(student=np.zeros((B, 1, L, D)), teacher=np.zeros((B, 1, L, D))), "at least 2 views of an image, got 1"),
        (dict(student=np.zeros((1, 2, L, D))), "at least 2 examples in a batch, got 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(see, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        local.vicreg().init(jax.random.key(0), seen_by(see, **change))


def test_no_matches_are_refused():
    with pytest.raises(ValueError, match="num_matches 1 is 0; it must be above 0"):
        local.vicreg(num_matches=(4, 0))
