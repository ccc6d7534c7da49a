import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import masked_siamese
from ssl_jax.losses import clustering
from ssl_jax.tasks import masks

ALWAYS = {"target_temperature": lambda step: jnp.float32(0.25)}


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def balanced(q, iterations):
    """Sinkhorn as the code has it, prototypes before examples."""
    q = q.T / q.sum()
    for _ in range(iterations):
        q = q / q.sum(1, keepdims=True) / len(q)
        q = q / q.sum(0, keepdims=True) / q.shape[1]
    return (q * q.shape[1]).T


def targets_by_loops(teacher, prototypes, iterations):
    p = softmax(unit(teacher) @ unit(prototypes).T / 0.1) ** 4
    return balanced(p / p.sum(1, keepdims=True), iterations)


def msn_by_loops(anchors, prototypes, targets, weight, exponent, prior_first):
    """anchors: [b, v, d]; targets: [b, k], of which nothing is differentiated."""
    b, v, _ = anchors.shape
    total, mean = 0, 0
    for i in range(b):
        for s in range(v):
            p = softmax(unit(anchors[i, s]) @ unit(prototypes).T / 0.1)
            total -= (targets[i] * np.log(p)).sum() / (b * v)
            mean = mean + p / (b * v)
    prior = np.arange(1.0, len(prototypes) + 1) ** -exponent
    prior = prior / prior.sum()
    pair = (prior, mean) if prior_first else (mean, prior)
    return total + weight * (pair[0] * np.log(pair[0] / pair[1])).sum()


@pytest.mark.parametrize("exponent, prior_first, iterations", [(0.0, False, 3), (1.0, False, 0), (1.0, True, 2)])
def test_the_loss_by_loops_in_value_and_gradient(strict, see, gradient, exponent, prior_first, iterations):
    more = dict(weight=0.7, exponent=exponent, prior_first=prior_first)
    criterion = masked_siamese.masked_siamese(prototypes=5, iterations=iterations, **more, **ALWAYS)
    seen = see(6, 2, 1, 3)
    params, _ = criterion.init(jax.random.key(0), seen)
    rows = np.asarray(params["prototypes"], np.float64)
    target = targets_by_loops(seen.teacher[:, 0], rows, iterations)

    def loss(x, rows):
        return criterion.loss({"prototypes": rows}, {}, seen._replace(student=x))[0]

    value, slopes = jax.jit(jax.value_and_grad(loss, (0, 1)))(seen.student, rows)
    options = (target, *more.values())
    assert_allclose(value, msn_by_loops(seen.student, rows, *options), rtol=1e-10)
    expected = gradient(lambda x: msn_by_loops(x, rows, *options), seen.student)
    assert_allclose(slopes[0], expected, atol=1e-10)
    expected = gradient(lambda c: msn_by_loops(seen.student, c, *options), rows)
    assert_allclose(slopes[1], expected, atol=1e-10)


@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_the_prior_at_its_ends(strict, exponent):
    k = 8
    prior = np.arange(1.0, k + 1) ** -exponent
    prior = np.broadcast_to(prior / prior.sum(), (4, k))
    one = np.broadcast_to(np.eye(k)[-1], (4, k))
    for first in (False, True):
        assert_allclose(clustering.from_prior(prior, exponent=exponent, prior_first=first), 0, atol=1e-12)
    expected = np.log(k) if exponent == 0 else -np.log(prior[0, -1])
    assert_allclose(clustering.from_prior(one, exponent=exponent), expected, rtol=1e-12)
    assert np.isfinite(jax.grad(lambda p: clustering.from_prior(p, exponent=exponent))(one)).all()


def test_values_at_the_start_and_at_collapse(strict, see):
    criterion = masked_siamese.masked_siamese(prototypes=64, iterations=0, temperature=1.0, **ALWAYS)
    seen = see(512, 1, 1, 32)
    params, state = criterion.init(jax.random.key(0), seen)
    _, metrics = jax.jit(criterion.loss)(params, state, seen)
    assert_allclose(metrics["msn/loss"], np.log(64), rtol=0.02)
    assert 0 <= metrics["msn/prior"] < 0.01
    point = {"prototypes": np.eye(64, 32)}
    same = seen._replace(student=np.broadcast_to(np.eye(32)[0], (512, 1, 32)))
    same = same._replace(teacher=same.student)
    sharp = masked_siamese.masked_siamese(prototypes=64, iterations=0, temperature=0.01, **ALWAYS)
    _, metrics = jax.jit(sharp.loss)(point, state, same)
    assert_allclose([metrics["msn/loss"], metrics["msn/prior"]], [0, np.log(64)], atol=1e-6)
    assert metrics["prototypes/used"] == 1


def test_sinkhorn_leaves_out_what_does_not_count(strict):
    x = np.random.default_rng(0).normal(size=(7, 4))
    counts = np.array([True, False, True, True, False, True, True])
    codes = clustering.sinkhorn(x, epsilon=0.5, iterations=4, where=counts)
    assert_allclose(codes[counts], clustering.sinkhorn(x[counts], epsilon=0.5, iterations=4), rtol=1e-10)
    assert np.isfinite(clustering.sinkhorn(x, epsilon=0.5, where=np.zeros(7, bool))).all()


def test_the_same_patches_stay_of_all_images():
    keep = masks.dropping(0.15)(jax.random.key(0), 3, 2, 16)
    assert keep.shape == (3, 2, 13) and keep.dtype == jnp.int32
    assert (keep == keep[:1, :1]).all() and len(set(keep[0, 0].tolist())) == 13
    assert masks.dropping(0.0) is None
    with pytest.raises(ValueError, match="of 4 patches none is left without a share of 0.9"):
        masks.dropping(0.9)(jax.random.key(0), 1, 1, 4)
