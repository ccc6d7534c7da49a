"""Criteria of which each example of the dataset is a class of its own, with a row of a bank for its weights."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges, spelling
from ssl_jax.losses import clustering, contrastive
from ssl_jax.losses.precision import matmul, wide
from ssl_jax.state import bank
from ssl_jax.types import Array, Criterion, Examples, Seen

FORMS = ("nce", "sampled", "full")


class Instances(NamedTuple):
    """The state. bank: unit rows [n, d], random until first written. z: [], the constant of the form "nce", 0 until the
    first step, and always in the others."""

    bank: bank.Bank
    z: Array


def instances(
    *,
    examples: Examples,
    form: str = "nce",
    negatives: int = 4096,
    temperature: float = 0.07,
    momentum: float = 0.5,
    written: Callable[[Seen], Array] = lambda seen: seen.student,
) -> Criterion:
    """InstDisc (arXiv:1805.01978): find the example's own row of the bank; one view of each example.

    student: [b, 1, d], any norm; batch["index"]: its rows in a dataset of `examples`. form: "full", the softmax over
    all rows (eq. 2); "sampled", over the own one and `negatives` drawn anew for each example, evenly and with
    replacement; "nce", noise-contrastive estimation with these (eq. 7), whose constant Z is set by the first batch and
    kept (eq. 8). momentum: what survives of a row when its example is seen, before it is made unit again. written: what
    rows are made of, [b, 1, d], the embeddings themselves but where banks are crossed.
    Raises ValueError for more negatives than examples, and `init` for other than one view.
    """
    ranges.above_zero(temperature=temperature, negatives=negatives)
    ranges.share(momentum=momentum)
    if form not in FORMS:
        raise ValueError(spelling.unknown(form, FORMS, "the forms of this loss"))
    if form != "full" and negatives > examples:
        raise ValueError(
            f'negatives is {negatives} and the dataset has {examples} examples; draw fewer, or take form="full"'
        )

    def init(key, seen):
        if (v := seen.student.shape[1]) != 1:
            raise ValueError(f"this loss looks at 1 view of an image, got {v}; set the views' count to 1")
        d, dtype = seen.student.shape[-1], wide(seen.student.dtype)
        empty = bank.init(examples, (d,), dtype=dtype)
        rows = contrastive.unit(jax.random.normal(key, empty.rows.shape, dtype))
        return {}, Instances(empty._replace(rows=rows), jnp.zeros((), dtype))

    def scores(state: Instances, seen: Seen) -> Array:
        """Over the temperature: of all rows [b, n], or of the own one and the negatives [b, 1 + k]."""
        query, rows = contrastive.unit(seen.student[:, 0]), jax.lax.stop_gradient(state.bank.rows)
        if form == "full":
            real = jnp.arange(rows.shape[0]) < examples
            return jnp.where(real[None], matmul(query, rows.T) / temperature, -jnp.inf)
        drawn = jax.random.randint(seen.key, (query.shape[0], negatives), 0, examples, jnp.int32)
        chosen = rows[jnp.concatenate([seen.batch["index"][:, None], drawn], 1)]
        return matmul(chosen, query[..., None])[..., 0] / temperature

    def constant(logits: Array) -> Array:
        """Z as the first batch has it: the mean of exp(logits), times the examples."""
        return examples * jnp.mean(jnp.exp(jax.lax.stop_gradient(logits)))

    def loss(params, state, seen):
        logits, index = scores(state, seen), seen.batch["index"]
        own = jnp.take_along_axis(logits, index[:, None], 1)[:, 0] if form == "full" else logits[:, 0]
        metrics = {"similarity/positive": jnp.mean(own) * temperature}
        if form == "nce":
            z = jax.lax.stop_gradient(state.z)
            log_z = jnp.log(jnp.where(z > 0, z, constant(logits)))
            return contrastive.noise_contrastive(logits, log_z, examples), metrics
        return clustering.labeled(logits, index if form == "full" else jnp.zeros_like(index)), metrics

    def update(state, seen):
        index = seen.batch["index"]
        new = momentum * state.bank.rows[index] + (1 - momentum) * contrastive.unit(written(seen)[:, 0])
        z = state.z
        if form == "nce":  # a branch, so that the scores are not made twice in every step
            z = jax.lax.cond(z > 0, lambda: z, lambda: constant(scores(state, seen)))
        return Instances(bank.write(state.bank, index, contrastive.unit(new)), z)

    return Criterion(init, loss, update, (("bank/", bank.BY_ROW),))
