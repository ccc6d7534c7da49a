import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import pseudo_labels

N, D, K = 20, 4, 5


def labels():
    """Of 19 examples, some large clusters and one that is empty."""
    return np.array([0] * 9 + [1] * 5 + [2] * 4 + [4] + [-1], np.int32)


def observed(see, index):
    return see(len(index), 2, 2, D, batch={"index": np.asarray(index, np.int32)})


@pytest.fixture(scope="module")
def made():
    return pseudo_labels.pseudo_labels(examples=N, clusters=K, components=D)


def test_the_weighted_cross_entropy_by_loops(strict, see, gradient, made):
    seen = observed(see, [3, 12, 18, 19, 15, 0])
    params, state = jax.jit(made.init)(jax.random.key(0), seen)
    state = pseudo_labels.relabeled(jnp.asarray(labels()), clusters=K)
    params = {"kernel": params["kernel"] * 100, "bias": jnp.linspace(-1, 1, K)}
    size = np.bincount(labels()[:19], minlength=K)

    def by_loops(student, kernel):
        total, rows = 0, 0
        for i, index in enumerate(seen.batch["index"]):
            for view in range(2):
                if (y := labels()[index]) >= 0:
                    x = student[i, view] * (np.real(student[i, view]) > 0)
                    scores = x @ kernel + np.linspace(-1, 1, K)
                    rows += 1
                    total += 19 / (4 * size[y]) * (np.log(np.exp(scores).sum()) - scores[y])
        assert rows == 10
        return total / rows

    loss = jax.jit(jax.value_and_grad(lambda p, x: made.loss(p, state, seen._replace(student=x)), (0, 1), has_aux=True))
    (value, metrics), (weights, slope) = loss(params, seen.student)
    kernel = np.asarray(params["kernel"])
    assert_allclose(value, by_loops(seen.student, kernel), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: by_loops(x, kernel), seen.student), atol=1e-10)
    assert_allclose(weights["kernel"], gradient(lambda k: by_loops(seen.student, k), kernel), atol=1e-10)
    assert_allclose(metrics["clusters/labeled"], 10 / 12, rtol=1e-6)
    hits = [
        (np.maximum(seen.student[i, v], 0) @ kernel + np.linspace(-1, 1, K)).argmax() == labels()[index]
        for i, index in enumerate(seen.batch["index"])
        for v in range(2)
    ]
    assert_allclose(metrics["clusters/accuracy"], sum(hits) / 10, rtol=1e-6)


def test_it_begins_near_log_k_and_without_labels_it_is_zero(see, made):
    seen = observed(see, range(20))
    params, state = jax.jit(made.init)(jax.random.key(0), seen)
    loss = jax.jit(jax.value_and_grad(made.loss, has_aux=True))
    (value, _), slope = loss(params, state, seen)
    assert value == 0 and not any(np.any(a) for a in jax.tree.leaves(slope))
    state = pseudo_labels.relabeled(jnp.arange(20, dtype=jnp.int32) % K, clusters=K)
    (value, _), _ = loss(params, state, seen)
    assert_allclose(value, np.log(K), rtol=0.02)


def test_the_layer_begins_as_in_the_code():
    made = pseudo_labels.beginning(jax.random.key(1), 300, 400)
    assert abs(float(made["kernel"].std()) / 0.01 - 1) < 0.02 and abs(float(made["kernel"].mean())) < 2e-4
    assert made["kernel"].shape == (300, 400) and not np.any(made["bias"]) and made["bias"].shape == (400,)


def test_more_clusters_than_examples_or_components_than_features_are_refused(see):
    with pytest.raises(ValueError, match="clusters is 21 and the dataset has 20 examples; take 20 or fewer"):
        pseudo_labels.pseudo_labels(examples=N, clusters=21)
    made = pseudo_labels.pseudo_labels(examples=N, clusters=5)
    with pytest.raises(ValueError, match="components is 256 and the projector has 4 outputs; take 4 or fewer"):
        made.init(jax.random.key(0), see(5, 1, 1, D))
