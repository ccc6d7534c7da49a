"""CMC's two banks: each half of an embedding finds its row of the other half's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import channels, instances

N, K, T, B, D = 40, 6, 0.3, 4, 3


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def criterion(form, **options):
    return channels.crossed(**{**dict(examples=N, form=form, negatives=K, temperature=T), **options})


def observed(see, *, seed=0, width=2 * D, **given):
    index = np.random.default_rng(seed + 100).permutation(N)[:B].astype(np.int32)
    return see(B, 1, 1, width, seed=seed, batch={"index": index}, **given)


def started(see, form):
    """After one update, so that Z is set; and what is seen next."""
    made, first = criterion(form), observed(see)
    _, state = jax.jit(made.init)(jax.random.key(0), first)
    return made, jax.jit(made.update)(state, first), observed(see, seed=1)


def by_loops(form, student, banks, zs, seen):
    """One half against the bank of the other, both ways; the own row, and K that both ways draw alike."""
    drawn = np.asarray(jax.random.randint(seen.key, (B, K), 0, N, jnp.int32))
    total = 0
    for query, rows, z in ((student[..., :D], banks["color"], zs[0]), (student[..., D:], banks["light"], zs[1])):
        for i, own in enumerate(seen.batch["index"]):
            v = unit(query[i, 0])
            score = lambda j, v=v, rows=rows: np.exp((rows[j] * v).sum() / T)  # noqa: E731
            if form == "nce":
                h = lambda j, score=score, z=z: score(j) / z / (score(j) / z + K / N)  # noqa: E731
                total -= np.log(h(own)) + sum(np.log(1 - h(j)) for j in drawn[i])
            else:
                others = range(N) if form == "full" else [own, *drawn[i]]
                total -= np.log(score(own) / sum(score(j) for j in others))
    return total / B


@pytest.mark.parametrize("form", instances.FORMS)
def test_each_half_finds_its_row_of_the_others_bank(strict, see, gradient, form):
    made, state, seen = started(see, form)
    # what is compared with the light of an image are the colors of all, and the reverse
    banks = {"color": np.asarray(state["light"].bank.rows), "light": np.asarray(state["color"].bank.rows)}
    zs = [float(state[way].z) for way in ("light", "color")]
    (value, _), slope = jax.value_and_grad(
        lambda x: jax.jit(made.loss)({}, state, seen._replace(student=x)), has_aux=True
    )(seen.student)
    assert_allclose(value, by_loops(form, seen.student, banks, zs, seen), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: by_loops(form, x, banks, zs, seen), seen.student), atol=1e-10)


def test_a_bank_has_the_half_that_it_is_not_compared_with(strict, see):
    made, seen = criterion("full"), observed(see)
    _, state = jax.jit(made.init)(jax.random.key(0), seen)
    after, index = jax.jit(made.update)(state, seen), seen.batch["index"]
    for way, half in (("light", slice(D, None)), ("color", slice(D))):
        expected = np.array(state[way].bank.rows)
        expected[index] = unit(expected[index] / 2 + unit(seen.student[:, 0, half]) / 2)
        assert_allclose(after[way].bank.rows, expected, rtol=1e-12)
        assert_array_equal(np.flatnonzero(after[way].bank.written), np.sort(index))
    assert np.abs(state["light"].bank.rows - state["color"].bank.rows).max() > 0.1


@pytest.mark.parametrize("form", instances.FORMS)
def test_halves_exchanged_with_their_banks_are_the_same(strict, see, form):
    made, state, seen = started(see, form)
    other = seen._replace(student=jnp.concatenate([seen.student[..., D:], seen.student[..., :D]], -1))
    swapped = {"light": state["color"], "color": state["light"]}
    assert_allclose(made.loss({}, swapped, other)[0], made.loss({}, state, seen)[0], rtol=1e-12)


def test_equal_scores_are_twice_chance(strict, see):
    at = [np.log(N), np.log(K + 1), np.log(K + 1) + K * np.log1p(1 / K)]
    for form, chance in zip(("full", "sampled", "nce"), at, strict=True):
        made, seen = criterion(form), observed(see, student=np.ones((B, 1, 2 * D)))
        _, state = jax.jit(made.init)(jax.random.key(0), seen)
        rows = jnp.broadcast_to(unit(np.ones(D)), state["light"].bank.rows.shape)
        state = {way: held._replace(bank=held.bank._replace(rows=rows)) for way, held in state.items()}
        assert_allclose(jax.jit(made.loss)({}, state, seen)[0], 2 * chance, rtol=1e-12)


def test_the_banks_lie_split_by_rows():
    assert criterion("full").placement == (("light/bank/", ("example",)), ("color/bank/", ("example",)))


def test_what_cannot_be_is_one_sentence(see):
    with pytest.raises(ValueError, match="two halves of an embedding, whose width is 5"):
        criterion("full").init(jax.random.key(0), observed(see, width=5))
    with pytest.raises(ValueError, match="negatives is 41 and the dataset has 40 examples"):
        criterion("nce", negatives=41)
    with pytest.raises(ValueError, match="looks at 1 view of an image, got 2"):
        criterion("full").init(jax.random.key(0), see(4, 2, 2, 6))
