"""Stacks of heads: each learns what it would alone, by the optimizer of its paper."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose

from ssl_jax.config import durations
from ssl_jax.probes import heads, recipes

CLASSES, DIM, BATCH, STEPS = 5, 12, 32, 6
CLOCK = durations.Clock(examples=96, batch=BATCH, total=STEPS)


@pytest.fixture(scope="module")
def batches() -> list:
    """Features [b, d] of uneven scale and labels, a batch a step."""
    draw = np.random.default_rng(0)
    scale = np.geomspace(0.01, 10, DIM).astype(np.float32)
    centers = draw.normal(0, 1, (CLASSES, DIM))
    labels = draw.integers(0, CLASSES, (STEPS, BATCH))
    x = (centers[labels] + draw.normal(0, 1, (STEPS, BATCH, DIM))).astype(np.float32) * scale
    return [({"pool": jnp.asarray(a)}, jnp.asarray(b, jnp.int32)) for a, b in zip(x, labels, strict=True)]


def trained(recipe, batches):
    """The stack, its heads at the end and the losses of each step, [steps, rates]."""
    stack = heads.stack(recipe._replace(inputs=("pool",)), classes=CLASSES, clock=CLOCK)
    kept, learn, losses = stack.init(jax.random.key(0), batches[0][0]), jax.jit(stack.learn), []
    for x, y in batches:
        kept, loss = learn(kept, x, y)
        losses.append(loss["pool"])
    return stack, kept, np.stack(losses)


def test_a_head_of_zeros_begins_at_the_logarithm_of_the_classes(batches):
    _, _, losses = trained(recipes.RECIPES["simclr"], batches)
    assert_allclose(losses[0], np.log(CLASSES), rtol=1e-6)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["byol", "mae"])
def test_a_stack_learns_what_its_heads_learn_alone(name, batches):
    recipe = recipes.RECIPES[name]._replace(rates=(3.0, 0.4))
    _, both, losses = trained(recipe, batches)
    for place, rate in enumerate(recipe.rates):
        _, alone, own = trained(recipe._replace(rates=(rate,)), batches)
        assert_allclose(losses[:, place], own[:, 0], rtol=1e-6)
        for leaf in ("kernel", "bias"):
            a, b = both.params["pool"][leaf][place], alone.params["pool"][leaf][0]
            assert_allclose(a, b, rtol=1e-6, atol=1e-6 * float(np.abs(b).max()))


def by_hand(recipe, batches, kernel):
    """The recipe at its peak rate in numpy, float64: (kernel, bias) after all steps."""
    w, b = kernel.astype(np.float64), np.zeros(CLASSES)
    options, pace = recipe.optimizer, [np.zeros_like(w), np.zeros(CLASSES)]
    rate = float(np.float32(recipe.rates[0]) * np.float32(BATCH / 256))
    for x, y in batches:
        x, y = np.asarray(x["pool"], np.float64), np.asarray(y)
        if recipe.normalized:
            x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-6)
        p = np.exp(x @ w + b)
        p = p / p.sum(1, keepdims=True) - np.eye(CLASSES)[y]
        for place, (value, gradient) in enumerate(((w, x.T @ p / BATCH), (b, p.mean(0)))):
            adapted = options["name"].startswith("lars") and value.ndim > 1 or options["name"] == "larc"
            norms = np.sqrt(np.sum(value**2)), np.sqrt(np.sum(gradient**2))
            if adapted and min(norms) > 0:
                gradient = gradient * 0.001 * norms[0] / norms[1]
            gradient = gradient + options.get("weight_decay", 0.0) * value
            pace[place] = 0.9 * pace[place] + gradient
            value -= rate * (gradient + 0.9 * pace[place] if options.get("nesterov") else pace[place])
    return w, b


@pytest.mark.parametrize("name", ["simclr", "vicreg", "mae", "simsiam"])
def test_steps_are_those_of_the_papers(name, batches):
    """SGD with and without Nesterov's momentum and decay, and both LARS, against loops in numpy."""
    recipe = recipes.RECIPES[name]
    recipe = recipe._replace(rates=(recipe.rates[0] * 10,), schedule=dict(kind="constant", peak=1.0))
    with jax.enable_x64(True):
        exact = [({"pool": jnp.asarray(x["pool"], jnp.float64)}, y) for x, y in batches]
        stack, kept, _ = trained(recipe, exact)
        first = np.asarray(stack.init(jax.random.key(0), exact[0][0]).params["pool"]["kernel"][0])
        w, b = by_hand(recipe, exact, first)
    assert kept.params["pool"]["kernel"].dtype == np.float64
    assert_allclose(kept.params["pool"]["kernel"][0], w, rtol=1e-10, atol=1e-10 * np.abs(w).max())
    assert_allclose(kept.params["pool"]["bias"][0], b, rtol=1e-10, atol=1e-10 * np.abs(b).max())


def test_adamw_is_optaxs(batches):
    recipe = recipes.RECIPES["beit"]
    stack, kept, _ = trained(recipe, batches)
    own = jax.tree.map(lambda a: a[0], stack.init(jax.random.key(0), batches[0][0]).params["pool"])
    rule = optax.adamw(optax.cosine_decay_schedule(0.001 * BATCH / 256, STEPS), weight_decay=1e-4)
    state = rule.init(own)

    @jax.jit
    def step(own, state, x, y):
        updates, state = rule.update(jax.grad(heads.cross_entropy)(own, x, y), state, own)
        return optax.apply_updates(own, updates), state

    for x, y in batches:
        own, state = step(own, state, x["pool"], y)
    assert_allclose(kept.params["pool"]["kernel"][0], own["kernel"], rtol=1e-5, atol=1e-7)


def test_batch_norm_makes_the_scale_of_features_no_matter(batches):
    """MAE's reason for it; the running statistics of few steps are already those of the data."""
    recipe = recipes.RECIPES["mae"]._replace(rates=(100.0,))
    stack, kept, losses = trained(recipe, batches)
    scaled = [({"pool": 1000 * x["pool"] - 7}, y) for x, y in batches]
    _, other, same = trained(recipe, scaled)
    assert_allclose(losses, same, rtol=1e-3)
    x = jnp.concatenate([x["pool"] for x, _ in batches])
    a = stack.predict(kept, {"pool": x})["pool"]
    b = stack.predict(other, {"pool": 1000 * x - 7})["pool"]
    assert np.mean(np.asarray(a) == np.asarray(b)) > 0.99
    left = 1 - heads.MOMENTUM**STEPS
    assert_allclose(kept.moments["pool"]["mean"] / left, x.mean(0), atol=0.3 * float(x.std()))


def test_examples_without_a_label_count_nothing(batches):
    x, y = batches[0]
    head = {"kernel": jnp.ones((DIM, CLASSES)) * jnp.arange(CLASSES), "bias": jnp.zeros(CLASSES)}
    half = jnp.where(jnp.arange(BATCH) < BATCH // 2, y, -1)
    loss = jax.jit(heads.cross_entropy)
    few = loss(head, x["pool"][: BATCH // 2], y[: BATCH // 2])
    assert_allclose(loss(head, x["pool"], half), few, rtol=1e-6)
    assert loss(head, x["pool"], jnp.full_like(y, -1)) == 0
