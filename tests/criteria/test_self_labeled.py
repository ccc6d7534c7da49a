import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import self_labeled

N, D, K, HEADS, T = 20, 4, 5, 3, 0.3


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def labels():
    g = np.random.default_rng(1)
    return np.where(np.arange(N)[:, None] < 17, g.integers(0, K, (N, HEADS)), -1).astype(np.int32)


def cross_entropy(logits, seen):
    """logits: (i, view, head) -> [k]. A mean over heads of the mean over labeled examples and views."""
    total = 0
    for h in range(HEADS):
        terms = []
        for i, index in enumerate(seen.batch["index"]):
            for view in range(3):
                if (y := labels()[index, h]) >= 0:
                    scores = logits(i, view, h)
                    terms.append(np.log(np.exp(scores).sum()) - scores[y])
        total = total + sum(terms) / len(terms) / HEADS
    return total


def observed(see):
    return see(6, 3, 2, D, batch={"index": np.array([3, 18, 0, 11, 19, 16], np.int32)})


def check(made, seen, gradient, by_loops, name):
    """Value and both gradients; `name` of the parameter that is learned."""
    params, state = jax.jit(made.init)(jax.random.key(0), seen)
    assert (np.asarray(state.labels) == -1).all()
    loss = jax.jit(
        jax.value_and_grad(lambda p, x, state: made.loss(p, state, seen._replace(student=x)), (0, 1), has_aux=True)
    )
    (nothing, _), slopes = loss(params, seen.student, state)
    assert nothing == 0 and not any(np.any(a) for a in jax.tree.leaves(slopes))
    state = state._replace(labels=jnp.asarray(labels()))
    (value, metrics), (weights, slope) = loss(params, seen.student, state)
    start = np.asarray(params[name])
    assert_allclose(value, by_loops(seen.student, start), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: by_loops(x, start), seen.student), atol=1e-10)
    assert_allclose(weights[name], gradient(lambda p: by_loops(seen.student, p), start), atol=1e-10)
    assert_allclose(metrics["clusters/labeled"], 4 / 6, rtol=1e-6)
    return params, state


def test_each_head_of_sela_names_its_own_label(strict, see, gradient):
    made, seen = self_labeled.self_labeled(examples=N, heads=HEADS, clusters=K), observed(see)

    def by_loops(student, kernel):
        return cross_entropy(lambda i, view, h: student[i, view] @ kernel[h], seen)

    params, _ = check(made, seen, gradient, by_loops, "kernel")
    assert params["kernel"].shape == (HEADS, D, K) and not np.any(params["bias"])
    assert np.abs(params["kernel"]).max() <= D**-0.5
    head = {"kernel": params["kernel"][1], "bias": jnp.arange(K, dtype=float)}
    expected = seen.student[:, 0] @ np.asarray(head["kernel"]) + np.arange(K)
    assert_allclose(self_labeled.scores(head, seen.student[:, 0]), expected, rtol=1e-12)


def test_the_prototypes_of_sela_v2_name_its_labels_by_cosine(strict, see, gradient):
    made = self_labeled.remembered(examples=N, heads=HEADS, prototypes=K, temperature=T)
    seen = observed(see)

    def by_loops(student, columns):
        return cross_entropy(lambda i, view, h: unit(student[i, view]) @ columns[h] / T, seen)

    params, state = check(made, seen, gradient, by_loops, "prototypes")
    assert_allclose(np.linalg.norm(params["prototypes"], axis=1), 1, rtol=1e-10)
    after = jax.jit(made.update)(state, seen)
    index = seen.batch["index"]
    assert_allclose(after.bank.rows[index], unit(seen.student[:, :2]), rtol=1e-12)
    assert_array_equal(np.flatnonzero(after.bank.written), np.sort(index))
    assert_array_equal(after.labels, state.labels)


def test_more_clusters_than_examples_are_refused():
    with pytest.raises(ValueError, match="clusters is 21 and the dataset has 20 examples; take 20 or fewer"):
        self_labeled.self_labeled(examples=N, clusters=21)
    with pytest.raises(ValueError, match="prototypes is 30 and the dataset has 20 examples; take 20 or fewer"):
        self_labeled.remembered(examples=N, prototypes=30)
