import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import margins
from ssl_jax.losses import margins as formulas


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_pairs_are_those_of_the_student(strict, see):
    seen = see(5, 2, 2, 3)
    for criterion, formula in (
        (margins.hadsell(margin=1.5), lambda x: formulas.hadsell(x, 1.5)),
        (margins.bromley(apart=-1.0), lambda x: formulas.bromley(x, apart=-1.0)),
    ):
        assert_allclose(jax.jit(criterion.loss)({}, {}, seen)[0], formula(seen.student), rtol=1e-12)


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("mining", ["semi_hard", "hardest"])
def test_triples_are_mined_among_the_other_views_of_other_examples(strict, see, mining, squared):
    seen = see(6, 2, 2, 3)
    z, terms = unit(seen.student), []
    for s, t in ((0, 1), (1, 0)):
        for i in range(6):
            near = np.linalg.norm(z[i, s] - z[i, t])
            far = {j: np.linalg.norm(z[i, s] - z[j, t]) for j in range(6) if j != i}
            farther = [d for d in far.values() if d > near]
            d = min(far.values()) if mining == "hardest" else min(farther) if farther else max(far.values())
            terms.append(max(near**2 - d**2 + 0.3, 0) if squared else max(near - d + 0.3, 0))
    criterion = margins.triplet(margin=0.3, squared=squared, mining=mining)
    value, metrics = jax.jit(criterion.loss)({}, {}, seen)
    assert_allclose(value, np.mean(terms), rtol=1e-10)
    assert_allclose(metrics["triplets/active"], np.mean(np.array(terms) > 0), rtol=1e-6)


def test_random_negatives_are_of_other_examples_and_new_with_each_key(strict, see):
    criterion = margins.triplet(margin=0.3, mining="random")
    loss = jax.jit(criterion.loss)
    seen = see(6, 2, 2, 3)
    values = [loss({}, {}, seen._replace(key=jax.random.key(k)))[0] for k in range(3)]
    assert len({float(v) for v in values}) == 3
    # Unit vectors of other examples are orthogonal: each negative is as far.
    apart = seen._replace(student=np.repeat(np.eye(6)[:, None], 2, 1) * 5)
    assert loss({}, {}, apart)[0] == 0
    assert_allclose(loss({}, {}, seen._replace(student=np.ones((6, 2, 3))))[0], 0.3, rtol=1e-12)


def test_what_cannot_be_is_one_sentence():
    with pytest.raises(ValueError, match="^margin is 0.0; it must be above 0"):
        margins.hadsell(margin=0.0)
    with pytest.raises(ValueError, match="^apart is 1.0; it is a cosine, from -1 on and below 1"):
        margins.bromley(apart=1.0)
    with pytest.raises(ValueError, match="no 'semihard' in the ways of mining.*did you mean semi_hard"):
        margins.triplet(mining="semihard")
