import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import paired
from tests.losses.test_contrastive import paired_by_loops


def see_parts(see, b=6, d=4, **views):
    """What towers of these parts see, `views` of each."""
    g = np.random.default_rng(5)
    return see(b, 1, 1, d, student={part: g.normal(size=(b, v, d)) for part, v in views.items()}, teacher={})


def value(criterion, params, seen):
    return jax.jit(lambda params: criterion.loss(params, {}, seen))(params)


def test_the_temperature_starts_at_the_papers_value(strict, see):
    criterion, seen = paired.paired(), see_parts(see, image=1, text=1)
    params, state = criterion.init(seen.key, seen)
    assert state == {}
    assert_allclose(params["log_scale"], math.log(1 / 0.07), rtol=1e-6)
    found, metrics = value(criterion, jax.tree.map(np.float64, params), seen)
    assert_allclose(
        found, paired_by_loops(seen.student["image"][:, 0], seen.student["text"][:, 0], 1 / 0.07), rtol=1e-6
    )
    assert_allclose(metrics["scale"], 1 / 0.07, rtol=1e-6)


def test_the_gradient_of_the_log_scale(strict, see):
    criterion, seen = paired.paired(), see_parts(see, image=1, text=1)
    at = np.float64(1.3)
    slope = jax.grad(lambda p: criterion.loss(p, {}, seen)[0])({"log_scale": at})["log_scale"]
    a, b = (seen.student[part][:, 0] for part in ("image", "text"))
    assert_allclose(slope, paired_by_loops(a, b, np.exp(at + 1e-30j)).imag / 1e-30, rtol=1e-10)


def test_the_scale_is_clipped_and_comes_back(strict, see):
    criterion, seen = paired.paired(), see_parts(see, image=1, text=1)
    same = seen._replace(student={"image": seen.student["image"], "text": seen.student["image"]})
    over, limit = ({"log_scale": np.float64(t)} for t in (5.0, math.log(100)))
    for batch in (seen, same):
        assert_allclose(value(criterion, over, batch)[0], value(criterion, limit, batch)[0], rtol=1e-12)
    assert_allclose(value(criterion, over, seen)[1]["scale"], 100, rtol=1e-12)

    def slope(params, batch):
        return jax.grad(lambda p: criterion.loss(p, {}, batch)[0])(params)["log_scale"]

    assert slope(over, seen) > 0  # random pairs want a smaller scale, perfect ones a larger
    assert slope(over, same) == 0 and slope({"log_scale": np.float64(1.0)}, same) < 0


def test_more_towers_and_views_are_a_mean_over_pairs(strict, see):
    criterion, seen = paired.paired(), see_parts(see, clip=2, image=1, sound=1)
    terms = [
        paired_by_loops(a[:, i], b[:, j], 2.0)
        for a, b in itertools.combinations(seen.student.values(), 2)
        for i in range(a.shape[1])
        for j in range(b.shape[1])
    ]
    assert len(terms) == 5
    assert_allclose(value(criterion, {"log_scale": np.log(2.0)}, seen)[0], np.mean(terms), rtol=1e-10)


def test_bfloat16_gives_float32(see):
    criterion, seen = paired.paired(), see_parts(see, image=1, text=1)
    half = seen._replace(student={k: v.astype(jnp.bfloat16) for k, v in seen.student.items()})
    params, _ = criterion.init(seen.key, half)
    assert value(criterion, params, half)[0].dtype == jnp.float32


def test_what_cannot_be_compared_is_refused(see):
    criterion = paired.paired()
    with pytest.raises(ValueError, match="two towers or more"):
        criterion.init(None, see_parts(see, image=1))
    with pytest.raises(ValueError, match="at least 2 examples"):
        criterion.init(None, see_parts(see, b=1, image=1, text=1))
    seen = see_parts(see, image=1, text=1)
    wider = seen._replace(student={**seen.student, "text": np.ones((6, 1, 5))})
    with pytest.raises(ValueError, match=r"different widths \(image 4, text 5\)"):
        criterion.init(None, wider)
    with pytest.raises(ValueError, match="temperature is 0"):
        paired.paired(temperature=0.0)
