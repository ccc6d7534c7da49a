import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import grouped


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def seen_of(see, b, d, seed):
    s, t = see(b, 2, 1, d, seed=seed), see(b, 1, 1, d, seed=seed + 50)
    student = {"projection": s.student[:, :1], "prediction": s.student[:, 1:]}
    return s._replace(student=student, teacher={"projection": t.teacher})


def assigned(x, centers):
    return [max(range(len(centers)), key=lambda j: row @ unit(centers)[j]) for row in x]


def moved_by_loops(centers, z, beta, groups):
    new = centers.astype(z.dtype)
    for c in set(groups):
        rows = [z[i] for i in range(len(z)) if groups[i] == c]
        new[c] = beta * centers[c] + (1 - beta) * sum(rows) / len(rows)
    return new


def smog_by_loops(z, p, centers, labels, beta, temperature, groups):
    logits = unit(p) @ unit(moved_by_loops(centers, z, beta, groups)).T / temperature
    total = 0
    for row, label in zip(logits, labels, strict=True):
        total -= np.log(np.exp(row[label]) / np.exp(row).sum())
    return total / len(p)


def test_two_steps_by_loops_in_value_and_gradient(strict, see, gradient):
    criterion = grouped.smog(groups=3, past=12, beta=0.7, temperature=0.5)
    loss = jax.jit(jax.value_and_grad(lambda x, state, seen: criterion.loss({}, state, seen._replace(student=x))[0]))
    _, state = criterion.init(jax.random.key(0), seen_of(see, 6, 4, 0))
    centers = np.array(state.centers)
    for step in range(2):
        seen = seen_of(see, 6, 4, step)
        z, p = (np.asarray(seen.student[name][:, 0]) for name in ("projection", "prediction"))
        labels = assigned(seen.teacher["projection"][:, 0], centers)
        options = (centers, labels, 0.7, 0.5, assigned(z, centers))
        value, slopes = loss(seen.student, state, seen)
        assert_allclose(value, smog_by_loops(z, p, *options), rtol=1e-10)
        expected = gradient(lambda x, p=p, o=options: smog_by_loops(x, p, *o), z)
        assert_allclose(slopes["projection"][:, 0], expected, atol=1e-10)
        assert np.abs(expected).max() > 1e-3  # the motion of the groups is learned through
        expected = gradient(lambda x, z=z, o=options: smog_by_loops(z, x, *o), p)
        assert_allclose(slopes["prediction"][:, 0], expected, atol=1e-10)
        state, centers = criterion.update(state, seen), moved_by_loops(centers, z, 0.7, assigned(z, centers))
        assert_allclose(state.centers, centers, rtol=1e-10)
        assert_allclose(state.past.rows[6 * step : 6 * step + 6], z, rtol=1e-12)


def test_groups_that_stay_have_no_part_in_the_gradient_and_no_order(strict, see):
    criterion, seen = grouped.smog(groups=5, past=6, beta=1.0), seen_of(see, 6, 4, 1)
    _, state = criterion.init(jax.random.key(0), seen)
    loss = jax.value_and_grad(lambda x, state: criterion.loss({}, state, seen._replace(student=x))[0])
    value, slopes = loss(seen.student, state)
    assert not slopes["projection"].any() and slopes["prediction"].any()
    assert_allclose(loss(seen.student, state._replace(centers=state.centers[::-1]))[0], value, rtol=1e-12)


def test_values_at_the_start_and_at_collapse(strict, see):
    criterion, seen = grouped.smog(groups=64, past=512, temperature=1.0), seen_of(see, 512, 32, 2)
    _, state = criterion.init(jax.random.key(0), seen)
    value, metrics = jax.jit(criterion.loss)({}, state, seen)
    assert_allclose(value, np.log(64) + 1 / 64, rtol=0.02)
    assert metrics["groups/used"] > 50
    one = {name: np.broadcast_to(np.eye(32)[0], (512, 1, 32)) for name in ("projection", "prediction")}
    _, metrics = jax.jit(criterion.loss)({}, state, seen._replace(student=one, teacher=one))
    assert_allclose([metrics["groups/used"], metrics["groups/evenness"]], [1, 0], atol=1e-12)


def test_clustering_finds_what_was_kept(strict, see):
    criterion = grouped.smog(groups=2, past=8)
    seen = seen_of(see, 4, 2, 3)
    _, state = criterion.init(jax.random.key(0), seen)
    assert_allclose(grouped.regroup(jax.random.key(1), state).centers, state.centers)  # nothing was kept
    rows = np.array([[2.0, 0], [1, 0.01], [0, 3], [0.01, 1]])
    student = {**seen.student, "projection": rows[:, None]}
    state = grouped.regroup(jax.random.key(1), criterion.update(state, seen._replace(student=student)))
    assert_allclose(np.sort(np.abs(state.centers), 0), [[0, 0], [1, 1]], atol=0.02)


def test_a_past_that_is_no_multiple_of_the_batch_is_refused(strict, see):
    with pytest.raises(ValueError, match="the queue's 30 rows are no multiple of the 4 rows"):
        grouped.smog(past=30).init(jax.random.key(0), seen_of(see, 4, 3, 0))
