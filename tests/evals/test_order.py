"""Whether features tell an order: what an average cannot, what a difference can, and no clip on both sides."""

import jax
import numpy as np
import pytest

from ssl_jax.evals import linear, order

KEY = jax.random.key(3)


def walks(count, seed, drift=0.0):
    """Clips of one number a frame, [n, 8]: each a walk from anywhere."""
    steps = np.random.default_rng(seed).normal(drift, 1, (count, 8)).cumsum(1)
    return (steps + 5 * np.random.default_rng(seed + 1).normal(size=(count, 1))).astype(np.float32)


def shuffled(clips, seed=9):
    return np.random.default_rng(seed).permuted(clips, axis=1)


def told(feature, other, drift=0.0):
    sets = [walks(count, seed, drift) for count, seed in ((300, 0), (200, 10))]
    return order.evaluate(KEY, *((feature(clips), feature(other(clips))) for clips in sets))


def jumps(clips):
    return np.abs(np.diff(clips)).mean(1, keepdims=True)


def test_frames_without_their_order_tell_nothing():
    found = told(lambda clips: np.sort(clips, 1), shuffled)
    assert found["accuracy"] == 0.5, "both copies of a clip have the same features, and so the same answer"
    assert (found["n_train"], found["n_test"]) == (300, 200)


def test_differences_tell_shuffled_frames_and_not_which_way_they_go():
    assert told(jumps, shuffled)["accuracy"] > 0.65
    assert told(jumps, lambda clips: clips[:, ::-1])["accuracy"] == 0.5


def test_the_arrow_is_told_where_there_is_one():
    rise = lambda clips: clips[:, -1:] - clips[:, :1]  # noqa: E731
    assert told(rise, lambda clips: clips[:, ::-1], drift=1.0)["accuracy"] > 0.95
    assert 0.4 < told(rise, lambda clips: clips[:, ::-1])["accuracy"] < 0.6


def test_both_copies_of_a_clip_are_on_one_side(monkeypatch):
    seen, chosen = [], linear.chosen

    def spied(*arguments, held_out, **options):
        seen.append(held_out)
        return chosen(*arguments, held_out=held_out, **options)

    monkeypatch.setattr(linear, "chosen", spied)
    told(jumps, shuffled)
    one, other = np.split(seen[0], 2)
    assert (one == other).all() and one.sum() == 60


def test_one_clip_is_too_few():
    with pytest.raises(ValueError, match="on a part of the training clips, and there is only 1"):
        order.evaluate(KEY, (np.zeros((1, 2)), np.ones((1, 2))), (np.zeros((1, 2)), np.ones((1, 2))))
    x = walks(2, 0)
    assert 0 <= order.evaluate(KEY, (x, x[:, ::-1]), (x, x[:, ::-1]))["accuracy"] <= 1
