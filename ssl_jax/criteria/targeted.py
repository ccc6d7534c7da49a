"""Criteria that read the numbers that a dataset wants predicted, batch["target"] [b, k]."""

from collections.abc import Callable

import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.losses import regression
from ssl_jax.types import Criterion, Seen


def rank_n_contrast(*, temperature: float = 2.0) -> Criterion:
    """Rank-N-Contrast (arXiv:2210.01189, eq. 2) on all views of the student: [b, v, d], as the network gives them.

    A view has the target of its example, so that the other views of an example are its nearest.
    """
    ranges.above_zero(temperature=temperature)

    def loss(params, state, seen):
        b, v, d = seen.student.shape
        target = jnp.repeat(seen.batch["target"], v, 0)
        return regression.rank_n_contrast(seen.student.reshape(b * v, d), target, temperature), {}

    return _of_targets(loss, examples=2)


def squared_error(*, mean: float = 0.0, std: float = 1.0) -> Criterion:
    """Mean squared error of predictions [b, v, k] in units of `std` around `mean`, a mean over the views."""
    ranges.above_zero(std=std)

    def loss(params, state, seen):
        b, v, k = seen.student.shape
        target = (jnp.repeat(seen.batch["target"], v, 0) - mean) / std
        if target.shape[1] != k:
            raise ValueError(
                f"the projector predicts {k} numbers and the data has {target.shape[1]}; give it that many"
            )
        return regression.squared_error(seen.student.reshape(b * v, k), target), {}

    return _of_targets(loss)


def _of_targets(loss: Callable, *, examples: int = 1) -> Criterion:
    def init(key, seen: Seen):
        if "target" not in seen.batch:
            raise ValueError(
                "this loss reads numbers to be predicted, and the data has none; take a dataset with targets, such as "
                "series:PATH?target=heart_rate"
            )
        if seen.student.shape[0] < examples:
            raise ValueError(f"this loss needs at least {examples} examples in a batch, got {seen.student.shape[0]}")
        return {}, {}

    return Criterion(init, loss, lambda state, seen: state)
