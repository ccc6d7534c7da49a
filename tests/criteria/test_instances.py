import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import instances
from ssl_jax.losses import contrastive

N, K, T = 40, 6, 0.3


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def criterion(form, **options):
    return instances.instances(**{**dict(examples=N, form=form, negatives=K, temperature=T), **options})


def observed(see, *, seed=0, **given):
    """Four examples of the forty, one view each."""
    index = np.random.default_rng(seed + 100).permutation(N)[:4].astype(np.int32)
    return see(4, 1, 1, 3, seed=seed, batch={"index": index, "label": np.full(4, -1, np.int32)}, **given)


def drawn(seen):
    return np.asarray(jax.random.randint(seen.key, (4, K), 0, N, jnp.int32))


def by_loops(form, student, rows, seen, z):
    """Eq. 2 over all rows or over some, or eq. 7 with Z; rows: [n, d]."""
    total = 0
    for i, own in enumerate(seen.batch["index"]):
        v = unit(student[i, 0])
        score = lambda j, v=v: np.exp((rows[j] * v).sum() / T)  # noqa: E731
        if form == "nce":
            h = lambda j, score=score: score(j) / z / (score(j) / z + K / N)  # noqa: E731
            total -= np.log(h(own)) + sum(np.log(1 - h(j)) for j in drawn(seen)[i])
        else:
            others = range(N) if form == "full" else [own, *drawn(seen)[i]]
            total -= np.log(score(own) / sum(score(j) for j in others))
    return total / 4


@pytest.mark.parametrize("form", instances.FORMS)
def test_an_example_finds_its_own_row(strict, see, gradient, form):
    made, first, seen = criterion(form), observed(see), observed(see, seed=1)
    _, state = jax.jit(made.init)(jax.random.key(0), first)
    state = jax.jit(made.update)(state, first)
    rows, z = np.asarray(state.bank.rows), float(state.z)
    assert (z > 0) == (form == "nce")
    (value, _), slope = jax.value_and_grad(
        lambda x: jax.jit(made.loss)({}, state, seen._replace(student=x)), has_aux=True
    )(seen.student)
    assert_allclose(value, by_loops(form, seen.student, rows, seen, z), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: by_loops(form, x, rows, seen, z), seen.student), atol=1e-10)


def test_z_is_set_by_the_first_batch_and_kept(strict, see):
    made, seen = criterion("nce"), observed(see)
    update = jax.jit(made.update)
    _, state = jax.jit(made.init)(jax.random.key(0), seen)
    assert state.z == 0
    rows, terms = np.asarray(state.bank.rows), []
    for i, own in enumerate(seen.batch["index"]):
        terms += [np.exp(unit(seen.student[i, 0]) @ rows[j] / T) for j in (own, *drawn(seen)[i])]
    z = N * np.mean(terms)
    value, _ = jax.jit(made.loss)({}, state, seen)
    assert_allclose(value, by_loops("nce", seen.student, rows, seen, z), rtol=1e-10)
    state = update(state, seen)
    assert_allclose(state.z, z, rtol=1e-12)
    assert update(state, observed(see, seed=3)).z == state.z


@pytest.mark.parametrize("form", instances.FORMS)
def test_the_rows_of_the_batch_alone_move_half_way_and_stay_unit(strict, see, form):
    made, seen = criterion(form), observed(see)
    _, state = jax.jit(made.init)(jax.random.key(0), seen)
    after, index = jax.jit(made.update)(state, seen), seen.batch["index"]
    expected = np.array(state.bank.rows)
    expected[index] = unit(expected[index] / 2 + unit(seen.student[:, 0]) / 2)
    assert_allclose(after.bank.rows, expected, rtol=1e-12)
    assert_array_equal(np.flatnonzero(after.bank.written), np.sort(index))


def test_at_the_first_step_it_is_what_random_rows_give():
    """d = 128 and 4096 negatives at 0.07: about log(k + 1) + k log(1 + 1 / k) + 1 / (2 d t^2)."""
    student = np.random.default_rng(0).normal(size=(64, 128)).astype(np.float32)
    rows = np.random.default_rng(1).normal(size=(64, 4097, 128)).astype(np.float32)
    logits = np.einsum("bkd,bd->bk", unit(rows), unit(student)) / 0.07
    log_z = np.log(50000 * np.mean(np.exp(logits)))
    value = contrastive.noise_contrastive(logits, log_z, 50000)
    assert_allclose(value, np.log(4097) + 4096 * np.log1p(1 / 4096) + 1 / (256 * 0.07**2), rtol=0.05)


def test_equal_scores_are_chance(strict, see):
    same, at = np.ones((4, 1, 3)), [np.log(N), np.log(K + 1), np.log(K + 1) + K * np.log1p(1 / K)]
    for form, chance in zip(("full", "sampled", "nce"), at, strict=True):
        made, seen = criterion(form), observed(see, student=same)
        _, state = jax.jit(made.init)(jax.random.key(0), seen)
        rows = jnp.broadcast_to(unit(np.ones(3)), state.bank.rows.shape)
        state = state._replace(bank=state.bank._replace(rows=rows))
        assert_allclose(jax.jit(made.loss)({}, state, seen)[0], chance, rtol=1e-12)


def test_what_cannot_be_is_one_sentence(see):
    with pytest.raises(ValueError, match="negatives is 41 and the dataset has 40 examples"):
        criterion("nce", negatives=41)
    with pytest.raises(ValueError, match="no 'softmax' in the forms of this loss"):
        criterion("softmax")
    with pytest.raises(ValueError, match="looks at 1 view of an image, got 2"):
        criterion("full").init(jax.random.key(0), see(4, 2, 2, 3))
