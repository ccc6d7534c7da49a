import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import assigned, centered, lenses, pairs, queued, views
from ssl_jax.types import Seen


def outputs(seen: Seen, other: Seen) -> Seen:
    return seen._replace(
        student={"projection": seen.student, "deep": {"last": other.student}},
        teacher={"projection": seen.teacher, "deep": {"last": other.teacher}},
    )


def moved(criterion, seen):
    """Value, metrics and the next state after one update."""
    params, state = criterion.init(jax.random.key(0), seen)
    state = criterion.update(state, seen)
    return *criterion.loss(params, state, seen), criterion.update(state, seen)


def test_a_lens_changes_nothing_but_where_one_looks(strict, see):
    one, two = see(8, 1, 1, 6, seed=1), see(8, 1, 1, 6, seed=2)
    criterion = queued.queued(size=16)
    found = moved(lenses.at(criterion, name="deep/last"), outputs(one, two))
    jax.tree.map(np.testing.assert_array_equal, found, moved(criterion, two))
    mixed = moved(lenses.at(criterion, name="projection", teacher="deep/last"), outputs(one, two))
    jax.tree.map(np.testing.assert_array_equal, mixed, moved(criterion, one._replace(teacher=two.teacher)))


def test_a_total_is_the_weighted_sum_and_keeps_its_terms_apart(strict, see):
    one, two = see(8, 2, 2, 6, seed=1), see(8, 2, 2, 6, seed=2)
    first, second = pairs.byol(), centered.centered(teacher_temperature=lambda step: jax.numpy.float32(0.5))
    both = lenses.total(near=(2.0, lenses.at(first, name="projection")), far=(0.5, lenses.at(second, name="deep/last")))
    value, metrics, state = moved(both, outputs(one, two))
    a, _, _ = moved(first, one)
    b, more, center = moved(second, two)
    assert_allclose(value, 2 * a + b / 2, rtol=1e-12)
    assert_allclose([metrics["near/loss"], metrics["far/loss"]], [a, b], rtol=1e-12)
    assert {f"far/{name}" for name in more} <= set(metrics)
    assert state["near"] == {}
    assert_allclose(state["far"], center, rtol=1e-12)


def test_placement_goes_with_the_terms():
    bank = assigned.assigned(examples=16, centroids=4)
    both = lenses.total(clusters=(1.0, lenses.at(bank, name="projection")), near=(1.0, pairs.byol()))
    assert both.placement == tuple((f"clusters/{path}", axes) for path, axes in bank.placement)


def test_the_terms_draw_apart(see):
    same = queued.queued(size=16)
    _, state = lenses.total(a=(1.0, same), b=(1.0, same)).init(jax.random.key(0), see(8, 1, 1, 6))
    assert not np.array_equal(state["a"].rows, state["b"].rows)


def test_what_cannot_be_is_a_sentence(see):
    seen = outputs(see(8, 2, 2, 6), see(8, 2, 2, 6))
    with pytest.raises(ValueError, match="looks at the output 'pool', and .* there is deep, projection"):
        lenses.at(pairs.byol(), name="pool").init(jax.random.key(0), seen)
    with pytest.raises(ValueError, match="a, b has weight 0: there is no loss"):
        lenses.total(a=(0.0, pairs.byol()), b=(0.0, pairs.byol()))
    with pytest.raises(ValueError, match="the pair of views \\(0, 5\\) is not among 2 of the teacher and 2"):
        pairs.byol(pairs=lambda w, v: [(0, 5)]).init(jax.random.key(0), see(8, 2, 2, 6))


@pytest.mark.parametrize("make", [pairs.byol, pairs.simsiam, pairs.barlow, pairs.vicreg])
def test_the_pairs_are_those_that_are_given(strict, see, make):
    """One pair of three views is the loss of these two views alone."""
    seen = see(8, 3, 3, 6)
    one = make(pairs=lambda w, v: [(2, 1)]).loss({}, {}, seen)[0]
    two = seen._replace(student=seen.student[:, [2, 1]], teacher=seen.teacher[:, [2]])
    alone = make(pairs=lambda w, v: [(0, 1)]).loss({}, {}, two)[0]
    assert_allclose(one / (3 if make is pairs.byol else 1), alone, rtol=1e-12)  # byol: a sum over the teacher's views


def test_views_of_the_same_crop(strict, see):
    criterion = centered.centered(teacher_temperature=lambda step: jax.numpy.float32(0.5), pairs=views.same)
    seen = see(4, 3, 2, 6)
    value, metrics = criterion.loss({}, np.zeros(6), seen)
    p, q = (np.exp(a) / np.exp(a).sum(-1, keepdims=True) for a in (seen.teacher / 0.5, seen.student / 0.1))
    terms = [-(p[i, t] * np.log(q[i, t])).sum() for i in range(4) for t in range(2)]
    assert_allclose(value, np.mean(terms), rtol=1e-10)
    assert_allclose(metrics["teacher/kl"], np.mean(terms) + (p * np.log(p)).sum(-1).mean(), rtol=1e-9)
