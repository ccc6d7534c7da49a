"""BEiT's count of hidden patches, BERT's corruption, and sequences that are completed place by place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.tasks import masks, sequences

CODES = jnp.asarray(np.random.default_rng(0).integers(0, 7, (400, 50)), jnp.int32)


@pytest.mark.parametrize(("grid", "count", "mean", "least"), [((14, 14), 75, 74.47, 60), ((8, 8), 24, 23.96, 20)])
def test_blocks_hide_as_many_as_beits_code(grid, count, mean, least):
    """Figures of 20,000 draws by the algorithm in plain Python: 64 to 75 of 196, all 75 in 66.6 % of them."""
    hidden = np.asarray(masks.so_many(count)(jax.random.key(0), 2000, 1, grid))[:, 0]
    counts = hidden.sum(1)
    assert counts.max() == count and counts.min() >= least and abs(counts.mean() - mean) < 0.15
    if count == 75:
        assert abs(np.mean(counts == count) - 0.666) < 0.05


def test_random_patches_are_exactly_so_many():
    hidden = np.asarray(masks.so_many(19, shape="random")(jax.random.key(1), 30, 2, (8, 8)))
    assert hidden.shape == (30, 2, 64) and (hidden.sum(-1) == 19).all()
    with pytest.raises(ValueError, match="cannot hide 64 of 64 patches"):
        masks.so_many(64)(jax.random.key(0), 1, 1, (8, 8))
    with pytest.raises(ValueError, match="the shape 'blok'"):
        masks.so_many(3, shape="blok")


def test_bert_hides_most_of_what_it_asks_and_replaces_some():
    found = sequences.corrupted(jax.random.key(0), CODES, 7, share=0.15, kind="bert")
    asked, hidden, other = (np.asarray(a) for a in (found.asked, found.hidden, found.codes != CODES))
    n = asked.sum()
    assert abs(asked.mean() - 0.15) < 0.01 and not (hidden & ~asked).any() and not (other & ~asked).any()
    for share, expected in ((hidden.sum() / n, 0.8), (other.sum() / n, 0.1 * 6 / 7)):
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n)
    assert not (hidden & other).any()


def test_zero_hides_all_that_it_asks():
    found = sequences.corrupted(jax.random.key(0), CODES, 7, share=0.15)
    np.testing.assert_array_equal(found.hidden, found.asked)
    np.testing.assert_array_equal(found.codes, CODES)


def test_a_sequence_is_completed_by_what_came_before():
    """The next code is the one before it plus one, as the logits say; a cold draw repeats itself for any key."""
    codes = jnp.array([[3, 0, 0, 0], [5, 2, 0, 0]])

    def logits_of(codes):
        before = jnp.concatenate([jnp.zeros_like(codes[:, :1]), codes[:, :-1]], 1)
        return 3.0 * jax.nn.one_hot((before + 1) % 7, 7)

    for seed in range(2):
        cold = sequences.completed(logits_of, codes, 1, jax.random.key(seed), temperature=0.0)
        np.testing.assert_array_equal(cold, [[3, 4, 5, 6], [5, 6, 0, 1]])
    np.testing.assert_array_equal(
        sequences.completed(logits_of, codes, 2, jax.random.key(0), temperature=0.0), [[3, 0, 1, 2], [5, 2, 3, 4]]
    )
    many = jnp.zeros((4000, 2), jnp.int32)
    drawn = np.asarray(sequences.completed(logits_of, many, 1, jax.random.key(0)))[:, 1]
    chance = np.exp(3) / (np.exp(3) + 6)
    assert abs(np.mean(drawn == 1) - chance) < 4 * np.sqrt(chance * (1 - chance) / 4000)
