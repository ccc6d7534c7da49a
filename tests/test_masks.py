import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax import masks

random = jax.jit(masks.random, static_argnums=(1, 2, 3))


def by_loops(noise, keep):
    """MAE's listing: argsort of the noise, argsort of the argsort."""
    shuffle = [sorted(range(len(row)), key=row.__getitem__) for row in noise]
    hidden = [[i not in ids[:keep] for i in range(len(ids))] for ids in shuffle]
    return [ids[:keep] for ids in shuffle], [ids[keep:] for ids in shuffle], hidden


def test_given_noise_gives_the_mask():
    noise = np.random.default_rng(0).random((5, 12))
    mask = random(jax.random.key(0), 5, 12, 3, noise=noise)
    for mine, theirs in zip((mask.keep, mask.hide, mask.hidden), by_loops(noise, 3), strict=True):
        assert_array_equal(mine, theirs)
    tokens = np.random.default_rng(1).normal(size=(5, 12, 2)).astype(np.float32)
    parts = np.concatenate([masks.take(tokens, mask.keep), masks.take(tokens, mask.hide)], 1)
    assert_array_equal(masks.take(parts, mask.restore), tokens)


def test_each_example_hides_as_many_but_not_the_same():
    hidden = np.asarray(random(jax.random.key(1), 4000, 16, 4).hidden)
    assert (hidden.sum(1) == 12).all()
    assert_allclose(hidden.mean(0), 0.75, atol=0.03)  # four deviations of a share of 4000 draws
    assert len({row.tobytes() for row in hidden[:50]}) > 40
    assert not np.array_equal(hidden, random(jax.random.key(2), 4000, 16, 4).hidden)


@pytest.mark.parametrize("keep", [0, 16, 17])
def test_a_mask_of_nothing_or_of_all_is_refused(keep):
    with pytest.raises(ValueError, match=f"cannot keep {keep} of 16"):
        masks.random(jax.random.key(0), 2, 16, keep)
