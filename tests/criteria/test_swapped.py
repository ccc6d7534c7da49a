import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import swapped


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def codes_of(scores):
    """Sinkhorn as the paper's listing, for the samples of one crop: [n, k]."""
    q = np.exp(scores / 0.05).T
    for _ in range(3):
        q = q / q.sum(1, keepdims=True)
        q = q / q.sum(0, keepdims=True)
    return q.T


def loss_by_loops(student, prototypes, past=None):
    """The listing of the paper: for each global crop, its code, and every other crop's prediction."""
    z = unit(student)
    b, v, _ = z.shape
    total = 0
    for i in range(2):
        features = z[:, i] if past is None else np.concatenate([past[:, i], z[:, i]])
        code = codes_of(features @ prototypes)[-b:]
        part = 0
        for s in range(v):
            if s != i:
                logits = z[:, s] @ prototypes / 0.1
                part -= (code * (logits - np.log(np.exp(logits).sum(1, keepdims=True)))).sum(1).mean()
        total += part / (v - 1) / 2
    return total


@pytest.mark.parametrize("v", [2, 4])
def test_swapped_by_loops(strict, see, v):
    criterion = swapped.swapped(prototypes=5)
    seen = see(8, v, 2, 4)
    params, _ = jax.jit(criterion.init)(jax.random.key(0), seen)
    value, metrics = jax.jit(criterion.loss)(params, {}, seen)
    prototypes = np.asarray(params["prototypes"], np.float64)
    assert_allclose(value, loss_by_loops(seen.student, prototypes), rtol=1e-10)
    codes = np.stack([codes_of(unit(seen.student[:, i]) @ prototypes) for i in range(2)], 1)
    assert_allclose(metrics["codes/entropy"], -(codes * np.log(codes)).sum(-1).mean(), rtol=1e-8)
    assert_allclose(metrics["codes/evenness"], metrics["codes/entropy"] / np.log(5), rtol=1e-8)
    assert metrics["prototypes/used"] == len(set(codes.argmax(-1).ravel().tolist()))


def test_prototypes_start_with_norm_one(see):
    params, _ = jax.jit(swapped.swapped(prototypes=7).init)(jax.random.key(0), see(4, 2, 2, 5))
    assert params["prototypes"].shape == (5, 7)
    assert_allclose(np.linalg.norm(params["prototypes"], axis=0), 1, rtol=1e-5)


def test_no_gradient_through_the_codes(strict, see):
    criterion, seen = swapped.swapped(prototypes=5), see(8, 2, 2, 4)
    params, _ = jax.jit(criterion.init)(jax.random.key(0), seen)
    prototypes = np.asarray(params["prototypes"], np.float64)
    z = unit(seen.student)
    codes = [codes_of(z[:, i] @ prototypes) for i in range(2)]
    slope = 0
    for i, s in ((0, 1), (1, 0)):  # d CE / d logits = softmax - code, with the code a constant
        logits = z[:, s] @ prototypes / 0.1
        softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        slope = slope + z[:, s].T @ (softmax - codes[i]) / 0.1 / 8 / 2
    grad = jax.jit(jax.grad(lambda p: criterion.loss(p, {}, seen)[0]))({"prototypes": prototypes})
    assert_allclose(grad["prototypes"], slope, atol=1e-10)


def test_the_queue_is_used_when_it_is_full_and_its_time_has_come(strict, see):
    criterion = swapped.swapped_queued(size=16, start=3, prototypes=5)
    params, state = jax.jit(criterion.init)(jax.random.key(0), see(8, 3, 2, 4))
    prototypes, past, used = np.asarray(params["prototypes"], np.float64), [], []
    for step in range(5):
        seen = see(8, 3, 2, 4, seed=step, step=np.int32(step))
        value = jax.jit(criterion.loss)(params, state, seen)[0]
        alone = loss_by_loops(seen.student, prototypes)
        together = loss_by_loops(seen.student, prototypes, np.concatenate(past[-2:])) if step >= 2 else None
        used.append(bool(abs(value - alone) > 1e-6))
        assert_allclose(value, together if used[-1] else alone, rtol=1e-10)
        state = jax.jit(criterion.update)(state, seen)
        past.append(unit(seen.student[:, :2]))
    assert used == [False, False, False, True, True]
    early = swapped.swapped_queued(size=16, prototypes=5)
    _, state = jax.jit(early.init)(jax.random.key(0), seen)
    assert_allclose(jax.jit(early.loss)(params, state, seen)[0], loss_by_loops(seen.student, prototypes), rtol=1e-10)


def test_a_queue_that_is_no_multiple_of_the_batch_is_refused(see):
    with pytest.raises(ValueError, match="20 rows are no multiple of the 8 rows"):
        swapped.swapped_queued(size=20).init(jax.random.key(0), see(8, 2, 2, 4))
