import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import neighbors
from ssl_jax.losses import contrastive


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def found_by_loops(rows, support):
    """For each row the unit row of the support with the largest cosine."""
    return np.array([max(support, key=lambda s, row=row: row @ s) for row in rows])


def cross_entropy(found, predictions, temperature):
    logits = unit(found) @ unit(predictions).T / temperature
    return np.mean([np.log(np.exp(row).sum()) - row[i] for i, row in enumerate(logits)])


@pytest.fixture(scope="module")
def made():
    criterion = neighbors.nearest(size=12, temperature=0.3)
    return criterion, jax.jit(criterion.init), jax.jit(criterion.loss), jax.jit(criterion.update)


def test_the_neighbor_of_each_view_finds_the_prediction_of_the_other(strict, see, gradient, made):
    _, init, loss, update = made
    _, state = init(jax.random.key(0), see(4, 2, 2, 3))
    for step in range(2):
        state = update(state, see(4, 2, 2, 3, seed=step))
    seen, support = see(4, 2, 2, 3, seed=9), np.asarray(state.rows.rows)

    def expected(student):
        first, second = (found_by_loops(seen.teacher[:, t], support) for t in range(2))
        return (cross_entropy(first, student[:, 1], 0.3) + cross_entropy(second, student[:, 0], 0.3)) / 2

    (value, _), slope = jax.value_and_grad(lambda x: loss({}, state, seen._replace(student=x)), has_aux=True)(
        seen.student
    )
    assert_allclose(value, expected(seen.student), rtol=1e-10)

    def complex_step(student):  # the neighbors do not depend on the predictions
        found = [found_by_loops(seen.teacher[:, t], support) for t in range(2)]
        total = 0
        for t in range(2):
            p = student[:, 1 - t]
            p = p / np.sqrt((p * p).sum(-1, keepdims=True))
            logits = found[t] @ p.T / 0.3
            total += (np.log(np.exp(logits).sum(1)) - np.diag(logits)).mean() / 2
        return total

    assert_allclose(slope, gradient(complex_step, seen.student), atol=1e-10)


def test_it_searches_before_it_writes_and_keeps_the_first_view_with_its_label(strict, see, made):
    _, init, _, update = made
    _, state = init(jax.random.key(0), see(4, 2, 2, 3))
    labels = np.array([2, -1, 0, 1], np.int32)
    seen = see(4, 2, 2, 3, batch={"index": np.arange(4, dtype=np.int32), "label": labels})
    state = update(state, seen)
    assert_allclose(state.rows.rows[:4], unit(seen.teacher[:, 0]), rtol=1e-12)
    assert_array_equal(state.classes.rows, [*labels, *[-1] * 8])
    assert state.rows.filled == 4


def test_with_the_views_themselves_in_the_support_set_it_is_their_own_cross_entropy(strict, see, made):
    _, init, loss, update = made
    _, state = init(jax.random.key(0), see(4, 2, 2, 3))
    seen = see(4, 2, 2, 3)
    for view in range(2):
        state = update(state, seen._replace(teacher=seen.teacher[:, view:]))
    value, metrics = loss({}, state, seen)
    both = [contrastive.in_batch(seen.teacher[:, t], seen.student[:, 1 - t], 0.3) for t in range(2)]
    assert_allclose(value, (both[0] + both[1]) / 2, rtol=1e-12)
    assert_allclose(metrics["neighbors/similarity"], 1, rtol=1e-12)
    assert metrics["neighbors/random"] == 0


def test_at_the_start_all_neighbors_are_random_and_equal_predictions_give_log_n(strict, see, made):
    _, init, loss, _ = made
    seen = see(4, 2, 2, 3, student=np.ones((4, 2, 3)))
    _, state = init(jax.random.key(0), seen)
    value, metrics = loss({}, state, seen)
    assert_allclose(value, np.log(4), rtol=1e-12)
    assert metrics["neighbors/random"] == 1 and metrics["neighbors/same_class"] == 0


def test_the_share_of_neighbors_of_the_same_class_is_over_those_whose_classes_are_known(strict, see, made):
    _, init, loss, update = made
    known = dict(index=np.arange(4, dtype=np.int32), label=np.array([0, 1, -1, 2], np.int32))
    seen = see(4, 2, 2, 3, batch=known)
    _, state = init(jax.random.key(0), seen)
    state = update(state, seen)  # each finds itself
    other = known | {"label": np.array([0, 2, 1, -1], np.int32)}
    assert loss({}, state, seen._replace(batch=other))[1]["neighbors/same_class"] == 0.5


def test_the_order_of_the_support_set_changes_nothing(strict, see, made):
    _, init, loss, _ = made
    _, state = init(jax.random.key(0), see(4, 2, 2, 3))
    order, seen = np.random.default_rng(1).permutation(12), see(4, 2, 2, 3, seed=5)
    other = state._replace(rows=state.rows._replace(rows=state.rows.rows[order]))
    assert_allclose(loss({}, other, seen)[0], loss({}, state, seen)[0], rtol=1e-12)


def test_a_support_set_that_is_no_multiple_of_the_batch_is_refused(see):
    with pytest.raises(ValueError, match="10 rows are no multiple of the 4 rows"):
        neighbors.nearest(size=10).init(jax.random.key(0), see(4, 2, 2, 3))
