import jax
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import assigned

recluster = jax.jit(assigned.recluster, static_argnames="scores_at_once")


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def visited(see, batches):
    """A criterion for 20 examples after some batches of 5, and what its bank should hold."""
    criterion = assigned.assigned(examples=20, heads=3, centroids=4, temperature=0.1)
    _, state = jax.jit(criterion.init)(jax.random.key(0), see(5, 3, 2, 6))
    bank, update = np.zeros((20, 2, 6)), jax.jit(criterion.update)
    order = np.random.default_rng(0).permutation(20).astype(np.int32)
    for i in range(batches):
        seen = see(5, 3, 2, 6, seed=i, batch={"index": order[5 * i : 5 * i + 5]})
        state = update(state, seen)
        bank[seen.batch["index"]] = unit(seen.student[:, :2])
    return criterion, state, bank, order


def test_before_the_first_clustering_there_is_no_loss(strict, see):
    criterion, state, bank, _ = visited(see, 4)
    assert_allclose(state.bank.rows, bank, rtol=1e-12)
    loss = jax.jit(jax.value_and_grad(lambda x, seen: criterion.loss({}, state, seen._replace(student=x))[0]))
    seen = see(5, 3, 2, 6)
    value, slope = loss(seen.student, seen)
    assert value == 0 and not slope.any()


def test_labels_are_the_nearest_centroids_of_the_heads_crop(strict, see):
    _, state, bank, _ = visited(see, 4)
    after = recluster(jax.random.key(1), state)
    for m in range(3):
        assert_array_equal(after.labels[:, m], np.argmax(bank[:, m % 2] @ np.asarray(after.centroids[m]).T, 1))
    assert_allclose(np.linalg.norm(after.centroids, axis=-1), 1, rtol=1e-10)
    assert not np.allclose(after.centroids[0], after.centroids[2])  # heads of one crop start from other rows
    jax.tree.map(assert_array_equal, after.bank, state.bank)
    in_pieces = recluster(jax.random.key(1), state, scores_at_once=20)
    jax.tree.map(lambda a, b: assert_allclose(a, b, atol=1e-10), after, in_pieces)


def test_rows_never_visited_get_no_label_and_have_no_say(strict, see):
    _, state, _, order = visited(see, 3)
    after = recluster(jax.random.key(1), state)
    assert (np.asarray(after.labels)[order[15:]] == -1).all() and (np.asarray(after.labels)[order[:15]] >= 0).all()
    poisoned = state._replace(bank=state.bank._replace(rows=state.bank.rows.at[order[15:]].set(7.0)))
    assert_allclose(recluster(jax.random.key(1), poisoned).centroids, after.centroids, rtol=1e-12)


def test_clustering_an_empty_bank_changes_nothing(strict, see):
    criterion = assigned.assigned(examples=20, heads=2, centroids=4)
    _, state = jax.jit(criterion.init)(jax.random.key(0), see(5, 2, 2, 6))
    jax.tree.map(assert_array_equal, recluster(jax.random.key(1), state), state)


def test_loss_by_loops_with_unlabeled_examples(strict, see):
    criterion, state, _, order = visited(see, 3)
    state = recluster(jax.random.key(1), state)
    seen = see(5, 4, 2, 6, seed=8, batch={"index": order[12:17]})  # three with a label, two without
    z, hits = unit(seen.student), []
    total = 0
    for m in range(3):
        terms = []
        for i, index in enumerate(seen.batch["index"]):
            label = int(state.labels[index, m])
            for crop in range(4):
                if label >= 0:
                    logits = z[i, crop] @ np.asarray(state.centroids[m]).T / 0.1
                    terms.append(np.log(np.exp(logits).sum()) - logits[label])
                    hits.append(logits.argmax() == label)
        assert len(terms) == 12
        total += np.mean(terms) / 3
    value, metrics = jax.jit(criterion.loss)({}, state, seen)
    assert_allclose(value, total, rtol=1e-10)
    assert_allclose(metrics["clusters/accuracy"], np.mean(hits), rtol=1e-6)
    assert_allclose(metrics["clusters/labeled"], 0.6, rtol=1e-6)


def test_after_clustering_the_bank_itself_is_named_better_than_by_chance(strict, see):
    criterion, state, bank, _ = visited(see, 4)
    bank[:, 1] = bank[:, 0]
    state = recluster(jax.random.key(1), state._replace(bank=state.bank._replace(rows=bank)))
    seen = see(20, 2, 2, 6, student=bank, batch={"index": np.arange(20, dtype=np.int32)})
    value, metrics = jax.jit(criterion.loss)({}, state, seen)
    assert value < np.log(4) and metrics["clusters/accuracy"] == 1
