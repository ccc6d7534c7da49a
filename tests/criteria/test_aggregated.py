import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import aggregated, instances

N, D, T, BACKGROUND = 40, 3, 0.3, 9
OPTIONS = dict(examples=N, clusters=5, runs=2, background=BACKGROUND, negatives=6, temperature=T)


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def observed(see, *, seed=0, **given):
    """Four examples of the forty, one view each."""
    index = np.random.default_rng(seed + 100).permutation(N)[:4].astype(np.int32)
    return see(4, 1, 1, D, seed=seed, batch={"index": index, "label": np.full(4, -1, np.int32)}, **given)


@pytest.fixture(scope="module")
def made():
    """init, (params, state, seen) -> ((value, metrics), slope of the student), the criterion."""
    criterion = aggregated.aggregated(**OPTIONS)

    def loss(student, params, state, seen):
        return criterion.loss(params, state, seen._replace(student=student))

    slopes = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def of(params, state, seen):
        value, slope = slopes(seen.student, params, state, seen)
        return value, seen._replace(student=slope)

    return jax.jit(criterion.init), of, criterion


def grouped(state, *, unread=()):
    """The state with a bank of random rows and groups, of which some rows were never written."""
    g = np.random.default_rng(5)
    rows, written = unit(g.normal(size=(N, D))), ~np.isin(np.arange(N), unread)
    groups = np.where(written[:, None], g.integers(0, 5, (N, 2)), -1).astype(np.int32)
    held = state.instances.bank._replace(rows=jnp.asarray(rows), written=jnp.asarray(written))
    return state._replace(
        instances=state.instances._replace(bank=held), groups=jnp.asarray(groups), clustered=jnp.asarray(True)
    )


def by_loops(student, seen, state):
    """Eq. 2 to 4, example by example; also the share of the background that is close."""
    rows, groups = np.asarray(state.instances.bank.rows), np.asarray(state.groups)
    written = np.flatnonzero(state.instances.bank.written)
    total, shares = 0, []
    for i, index in enumerate(seen.batch["index"]):
        v = unit(student[i, 0])
        scores = {j: (rows[j] * v).sum() / T for j in written}
        background = sorted(scores, key=lambda j, scores=scores: -np.real(scores[j]))[:BACKGROUND]
        close = [j for j in background if any(groups[j, h] == groups[index, h] >= 0 for h in range(2))]
        p = sum(np.exp(scores[j]) for j in close) / sum(np.exp(scores[j]) for j in background)
        total -= np.log(p + 1e-7)
        shares.append(len(close) / BACKGROUND)
    return total / len(student), np.mean(shares)


@pytest.mark.parametrize("unread", [(), (3, 17, 18, 30)])
def test_the_share_of_close_neighbors_by_loops(strict, see, gradient, made, unread):
    init, loss, _ = made
    seen = observed(see)
    _, state = init(jax.random.key(0), seen)
    state = grouped(state, unread=unread)

    (value, metrics), slope = loss({}, state, seen)
    expected, share = by_loops(seen.student, seen, state)
    assert 0 < share < 1
    assert_allclose(value, expected, rtol=1e-10)
    assert_allclose(metrics["neighbors/close"], share, rtol=1e-12)
    own = np.asarray(state.instances.bank.rows)[seen.batch["index"]]
    assert_allclose(metrics["similarity/positive"], np.mean((unit(seen.student[:, 0]) * own).sum(-1)), rtol=1e-12)
    moved = gradient(lambda x: by_loops(x, seen, state)[0], seen.student)
    assert_allclose(slope.student, moved, atol=1e-10)


def test_rows_that_are_no_background_have_no_say(strict, see, made):
    init, loss, _ = made
    seen = observed(see)
    _, state = init(jax.random.key(0), seen)
    state = grouped(state)
    held = state.instances.bank
    scores = unit(seen.student[:, 0]) @ np.asarray(held.rows).T
    used = {j for row in scores for j in np.argsort(-row)[:BACKGROUND]} | set(seen.batch["index"])
    never = np.array(sorted(set(range(N)) - used))
    assert len(never) > 3
    assert np.sort(scores, 1)[:, -BACKGROUND].min() > 0  # so that rows of zeros come behind
    held = held._replace(rows=held.rows.at[never].set(0.0))
    other = state._replace(instances=state.instances._replace(bank=held), groups=state.groups.at[never].set(4))
    assert_allclose(loss({}, other, seen)[0][0], loss({}, state, seen)[0][0], rtol=1e-12)


def test_all_of_one_cluster_is_nothing_to_learn(strict, see, made):
    init, loss, _ = made
    seen = observed(see)
    _, state = init(jax.random.key(0), seen)
    state = grouped(state)._replace(groups=jnp.zeros((N, 2), jnp.int32))
    (value, metrics), slope = loss({}, state, seen)
    assert_allclose(value, 0, atol=1.1e-7)
    assert metrics["neighbors/close"] == 1 and not np.any(np.abs(slope.student) > 1e-12)


@pytest.mark.parametrize("form", instances.FORMS)
def test_until_there_are_groups_it_is_instdisc_of_the_same_bank(strict, see, form):
    criterion = aggregated.aggregated(**OPTIONS, form=form)
    alone = instances.instances(examples=N, form=form, negatives=6, temperature=T)
    seen, then = observed(see), observed(see, seed=1)
    _, state = jax.jit(criterion.init)(jax.random.key(0), seen)
    _, expected = jax.jit(alone.init)(jax.random.key(0), seen)
    state, expected = jax.jit(criterion.update)(state, seen), jax.jit(alone.update)(expected, seen)
    jax.tree.map(assert_array_equal, state.instances, expected)
    value, metrics = jax.jit(criterion.loss)({}, state, then)
    assert_allclose(value, jax.jit(alone.loss)({}, expected, then)[0], rtol=1e-12)
    assert metrics["neighbors/close"] == 0


def test_more_clusters_or_neighbors_than_examples_are_refused():
    with pytest.raises(ValueError, match="clusters is 50 and the dataset has 40 examples; take 40 or fewer"):
        aggregated.aggregated(**OPTIONS | {"clusters": 50})
    with pytest.raises(ValueError, match="background is 41 and the dataset has 40 examples; take 40 or fewer"):
        aggregated.aggregated(**OPTIONS | {"background": 41})
