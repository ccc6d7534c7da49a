"""SimCLR v2's memory against loops."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import pairs, queued


def cos(a, b):
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def by_loops(views, memory, temperature):
    """NT-Xent of each of the 2 b anchors, whose denominator has all other rows of the batch and all of the memory."""
    z, total = views.reshape(-1, views.shape[-1]), 0
    for i in range(len(z)):
        others = sum(np.exp(cos(z[i], z[k]) / temperature) for k in range(len(z)) if k != i)
        others += sum(np.exp(cos(z[i], row) / temperature) for row in memory)
        total += np.log(others) - cos(z[i], z[i ^ 1]) / temperature
    return total / len(z)


def test_three_steps_by_loops_in_value_and_gradient(strict, see, gradient):
    criterion = queued.remembered(size=8, temperature=0.3)
    _, state = criterion.init(jax.random.key(0), see(4, 2, 1, 3))
    slopes = jax.jit(jax.value_and_grad(lambda x, state, seen: criterion.loss({}, state, seen._replace(student=x))[0]))
    past = np.array(state.rows)
    for step in range(3):
        seen = see(4, 2, 1, 3, seed=step)
        value, slope = slopes(seen.student, state, seen)
        assert_allclose(value, by_loops(seen.student, past, 0.3), rtol=1e-10)
        assert_allclose(slope, gradient(lambda x, m=past.copy(): by_loops(x, m, 0.3), seen.student), atol=1e-10)
        state, place = criterion.update(state, seen), 4 * step % 8
        key = seen.teacher[:, 0]
        past[place : place + 4] = key / np.linalg.norm(key, axis=-1, keepdims=True)
        assert_allclose(state.rows, past, rtol=1e-12)


def test_known_points(strict, see):
    criterion = queued.remembered(size=8, temperature=0.3)
    seen = see(4, 2, 1, 3, student=np.ones((4, 2, 3)))
    _, state = criterion.init(jax.random.key(0), seen)
    same = state._replace(rows=np.ones((8, 3)))
    assert_allclose(criterion.loss({}, same, seen)[0], np.log(7 + 8), rtol=1e-12)
    # A memory that lies across all embeddings counts each of its rows as much as an unrelated image.
    flat = np.zeros((4, 2, 4))
    flat[..., :3] = see(4, 2, 1, 3).student
    far = state._replace(rows=np.tile(np.eye(4)[3], (8, 1)))
    less = pairs.nt_xent(temperature=0.3).loss({}, {}, see(4, 2, 1, 4, student=flat))[0]
    value = criterion.loss({}, far, see(4, 2, 1, 4, student=flat))[0]
    assert_allclose(value, by_loops(flat, far.rows, 0.3), rtol=1e-10)
    assert value > less


def test_what_it_cannot_use_is_refused_in_words(see):
    with pytest.raises(ValueError, match="at least 2 views of an image, got 1"):
        queued.remembered(size=8).init(jax.random.key(0), see(4, 1, 1, 3))
    with pytest.raises(ValueError, match="10 rows are no multiple of the 4 rows"):
        queued.remembered(size=10).init(jax.random.key(0), see(4, 2, 1, 3))
