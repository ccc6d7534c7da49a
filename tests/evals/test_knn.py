import jax
import numpy as np
import pytest

from ssl_jax.evals import knn

RNG = np.random.default_rng(0)
BANK, QUERIES = RNG.normal(size=(103, 6)), RNG.normal(size=(41, 6))
LABELS = RNG.integers(0, 4, 103)
CHUNKS = {"chunk": 16, "block": 20}


def scores(bank, labels, queries, k, temperature, **options):
    similarity, index = knn.neighbors(bank, queries, k=k, **options)
    return knn.votes(similarity, labels[index], classes=4, k=k, temperature=temperature)


def oracle(bank, labels, queries, k, temperature):
    """InstDisc's rule with loops, on weights that are not divided by their sum."""
    out = np.zeros((len(queries), 4))
    for i, q in enumerate(queries):
        cosines = [b @ q / np.linalg.norm(b) / np.linalg.norm(q) for b in bank]
        for j in sorted(range(len(bank)), key=lambda j: -cosines[j])[:k]:
            out[i, labels[j]] += np.exp(cosines[j] / temperature)
    return out


@pytest.mark.parametrize("k", [1, 10, 50, 103])
def test_scores_are_those_of_the_loops(strict, k):
    wanted = oracle(BANK, LABELS, QUERIES, k, 0.07)
    found = scores(BANK, LABELS, QUERIES, k, 0.07, **CHUNKS)
    np.testing.assert_allclose(found, wanted / wanted.sum(1, keepdims=True), rtol=1e-10, atol=1e-12)


def test_chunks_change_nothing(strict):
    whole = knn.neighbors(BANK, QUERIES, k=10)
    parts = knn.neighbors(BANK, QUERIES, k=10, **CHUNKS)
    np.testing.assert_array_equal(whole[1], parts[1])
    np.testing.assert_allclose(whole[0], parts[0], rtol=1e-12)


def test_blocks_smaller_than_k_still_give_k_neighbors(strict):
    np.testing.assert_array_equal(
        knn.neighbors(BANK, QUERIES, k=50, chunk=7, block=11)[1], knn.neighbors(BANK, QUERIES, k=50)[1]
    )


def test_every_example_is_its_own_nearest_neighbor():
    bank = BANK.astype(np.float32)
    _, index = knn.neighbors(bank, bank, k=1)
    np.testing.assert_array_equal(index[:, 0], np.arange(103))


def test_scale_rotation_and_order_of_the_bank_do_not_matter(strict):
    base = scores(BANK, LABELS, QUERIES, 20, 0.1)
    scale = RNG.uniform(0.1, 10, size=(103, 1))
    turn = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    order = RNG.permutation(103)
    np.testing.assert_allclose(scores(BANK * scale, LABELS, QUERIES * 7, 20, 0.1), base, rtol=1e-9)
    np.testing.assert_allclose(scores(BANK @ turn, LABELS, QUERIES @ turn, 20, 0.1), base, rtol=1e-9)
    np.testing.assert_allclose(scores(BANK[order], LABELS[order], QUERIES, 20, 0.1), base, rtol=1e-9)


def test_all_neighbors_at_infinite_temperature_vote_for_the_prior(strict):
    prior = np.bincount(LABELS, minlength=4) / len(LABELS)
    found = scores(BANK, LABELS, QUERIES, 103, 1e9)
    np.testing.assert_allclose(found, np.broadcast_to(prior, found.shape), rtol=1e-6)


def test_of_equals_the_lower_index_comes_first():
    # One coordinate: a product of many terms is rounded differently at different places of a matrix.
    bank = np.tile(np.eye(6, dtype=np.float32)[:1], (60, 1))
    _, index = knn.neighbors(bank, bank[:1], k=5, block=7)
    np.testing.assert_array_equal(index[0], np.arange(5))


def test_a_class_that_is_not_in_test_keeps_its_column():
    assert scores(BANK, np.zeros_like(LABELS), QUERIES, 5, 0.1).shape == (41, 4)


def test_zero_features_are_no_nan():
    assert np.isfinite(scores(np.zeros((30, 6), np.float32), LABELS[:30], QUERIES.astype(np.float32), 10, 0.07)).all()


def clusters(n, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    return (np.eye(4)[y] * 3 + rng.normal(size=(n, 4))).astype(np.float32), y


def test_evaluate_reads_test_once_and_chooses_on_train():
    train, (x, y) = clusters(200, 0), clusters(100, 1)
    result = knn.evaluate(jax.random.key(0), train, (x, y), classes=4)
    shuffled = knn.evaluate(jax.random.key(0), train, (x, np.roll(y, 1)), classes=4)
    assert result["accuracy"] > 0.85
    assert (result["k"], result["validation"]) == (shuffled["k"], shuffled["validation"])
    assert set(result["validation"]) == {f"k={k}, T={t}" for k in (10, 20, 50) for t in (0.07, 0.1)}


def test_a_bank_that_is_too_small_is_a_sentence():
    with pytest.raises(ValueError, match="k of at least 10 needs more than 8 training"):
        knn.evaluate(jax.random.key(0), clusters(8, 0), clusters(8, 1), classes=4)
    with pytest.raises(ValueError, match="50 neighbors are asked for, but there are only 30"):
        knn.neighbors(BANK[:30], QUERIES, k=50)
