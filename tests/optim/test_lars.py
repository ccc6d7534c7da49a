"""LARS: four optimizers against loops in numpy, and what a single step must be."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax.optim import lars, leaves

RATES = np.array([0.0, 0.3, 0.7, 1.1, 1.9])
DECAYS = np.array([0.01, 0.02, 0.05, 0.03, 0.04])


def rate(step):
    return jnp.asarray(RATES)[step]


def decay(step):
    return jnp.asarray(DECAYS)[step]


def params():
    draw = np.random.default_rng(0).normal
    return {
        "conv": {"kernel": draw(size=(3, 3, 2, 4)), "bias": np.zeros(4)},
        "norm": {"scale": np.ones(4)},
        "body": {
            "layers": {"kernel": draw(size=(2, 4, 3)) * np.array([1.0, 5.0])[:, None, None], "bias": draw(size=(2, 3))}
        },
        "logit": draw(),
    }


def gradients():
    keys = np.random.default_rng(1)
    return [jax.tree.map(lambda p: keys.normal(size=np.shape(p)), params()) for _ in RATES]


def oracle(name, w, grads, momentum=0.9, nesterov=False, coefficient=None, eps=1e-8):
    """One parameter by the published loops: (w, one gradient a step, is it one-dimensional) -> w after the steps."""
    eta = coefficient or (0.02 if name == "larc_clipped" else 0.001)
    vector, v = np.ndim(w) <= 1, np.zeros(np.shape(w))
    for lr, wd, g in zip(RATES, DECAYS, grads, strict=True):
        w_norm = np.sqrt(np.sum(w**2))
        if name.startswith("lars") and not vector:
            g = g + wd * w
            g = g * eta * w_norm / np.sqrt(np.sum(g**2))
        if name == "larc" or (name == "larc_clipped" and not vector):
            g_norm = np.sqrt(np.sum(g**2))
            if w_norm and g_norm:
                ratio = eta * w_norm / (g_norm + wd * w_norm + eps)
                if name == "larc_clipped":
                    ratio = min(ratio / lr, 1.0) if lr else 1.0
                g = (g + wd * w) * ratio
        if name == "lars_rate_then_momentum":
            v = momentum * v + lr * g
            w = w - (momentum * v + lr * g if nesterov else v)
        else:
            v = momentum * v + g
            w = w - lr * (g + momentum * v if nesterov else v)
    return w


def run(optimizer, w, grads):
    w = jax.tree.map(jnp.asarray, w)
    state, step = optimizer.init(w), jax.jit(optimizer.update)
    for g in grads:
        updates, state = step(jax.tree.map(jnp.asarray, g), state, w)
        w = optax.apply_updates(w, updates)
    return w


NAMES = ("lars_rate_then_momentum", "lars_momentum_then_rate", "larc", "larc_clipped")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("nesterov", [False, True])
def test_five_steps_under_a_rising_rate_equal_the_loop(strict, name, nesterov):
    optimizer = getattr(lars, name)(rate, weight_decay=decay, nesterov=nesterov)
    got = run(optimizer, params(), gradients())

    def check(path, got, w, *grads):
        if leaves.stacked(path):
            want = np.stack([oracle(name, w[i], [g[i] for g in grads], nesterov=nesterov) for i in range(len(w))])
        else:
            want = oracle(name, w, grads, nesterov=nesterov)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14, err_msg=path)

    leaves.map_paths(check, got, params(), *gradients())


@pytest.mark.parametrize("name", NAMES)
def test_one_step_moves_weights_by_a_part_of_their_norm_and_vectors_by_the_gradient(strict, name):
    lr, eta = 2.0, 0.003
    w, g = params(), gradients()[0]
    new = run(getattr(lars, name)(lambda step: lr, coefficient=eta), w, [g])

    def check(path, new, w, g):
        moved = np.linalg.norm(new - w)
        if leaves.stacked(path):
            return
        if np.ndim(w) > 1 or (name == "larc" and np.any(w)):
            part = eta if name == "larc_clipped" else eta * lr
            assert moved / np.linalg.norm(w) == pytest.approx(part, rel=1e-7), path
        else:
            assert moved == pytest.approx(lr * np.linalg.norm(g), rel=1e-12), path

    leaves.map_paths(check, new, w, g)


def test_the_orders_differ_while_the_rate_rises_and_only_then(strict):
    """A vector, gradient 1, momentum 0.9, rates 0 a 2a 3a 4a.

    Rate first: the buffer is 0, 1, 2.9, 5.61, 9.049 times a, in all 18.559. Momentum first: the buffer is
    1, 1.9, 2.71, 3.439, 4.0951, times its rate in all 34.0174. From 1 with a = 3.82e-4: 0.9929 and 0.9870.
    """
    a, w, ones = 3.82e-4, {"w": np.ones(1)}, [{"w": np.ones(1)}] * 5
    first = run(lars.lars_rate_then_momentum(lambda step: a * step.astype(float)), w, ones)["w"]
    second = run(lars.lars_momentum_then_rate(lambda step: a * step.astype(float)), w, ones)["w"]
    np.testing.assert_allclose(first, 1 - a * 18.559, rtol=1e-12)
    np.testing.assert_allclose(second, 1 - a * 34.0174, rtol=1e-12)
    np.testing.assert_allclose([first[0], second[0]], [0.9929, 0.9870], atol=5e-5)
    flat = [run(getattr(lars, n)(lambda step: a, weight_decay=decay), params(), gradients()) for n in NAMES[:2]]
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-13), *flat)


def test_rate_then_momentum_is_optax_lars_with_both_masks(strict):
    plain = {k: v for k, v in params().items() if k != "body"}
    grads = [{k: v for k, v in g.items() if k != "body"} for g in gradients()]
    mask = jax.tree.map(lambda p: np.ndim(p) > 1, plain)
    got = run(lars.lars_rate_then_momentum(rate, weight_decay=1e-4), plain, grads)
    want = run(optax.lars(rate, 1e-4, mask, trust_ratio_mask=mask), plain, grads)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-13), got, want)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_clip_never_steps_further_than_sgd(strict, scale):
    w, g = {"w": np.full((4, 4), scale)}, {"w": np.ones((4, 4))}
    moved = run(lars.larc_clipped(lambda step: 0.5), w, [g])["w"] - w["w"]
    ratio = 0.02 * scale  # c ||w|| / ||g||, against the rate 0.5
    np.testing.assert_allclose(moved, -min(ratio, 0.5), rtol=1e-5)


def test_zero_weights_and_zero_gradients_stay_finite(strict):
    w = {"a": np.zeros((2, 2)), "b": np.ones((2, 2))}
    g = {"a": np.ones((2, 2)), "b": np.zeros((2, 2))}
    for name in NAMES:
        new = run(getattr(lars, name)(lambda step: 0.1), w, [g])
        np.testing.assert_allclose(new["a"], -0.1, err_msg=name)
        np.testing.assert_allclose(new["b"], 1.0, err_msg=name)
