"""SeLa's criteria: labels that the network gives its own images, spread evenly over the clusters of each head."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import assigned
from ssl_jax.losses import contrastive
from ssl_jax.losses.precision import matmul, wide, widen
from ssl_jax.state import bank
from ssl_jax.types import Array, Criterion, Examples, Tree


class SelfLabeled(NamedTuple):
    """The state. labels: int32 [n, m], of each example by each head, -1 where there is none."""

    labels: Array


class Remembered(NamedTuple):
    """The state of `remembered`. bank: rows [n, w, d], the unit features last seen. labels: int32 [n, m]."""

    bank: bank.Bank
    labels: Array


def self_labeled(*, examples: Examples, heads: int = 10, clusters: int = 3000) -> Criterion:
    """SeLa (arXiv:1911.05371, eq. 1; code): each linear head names its own label of the example, from every view.

    student: [b, v, d]; batch["index"]: its rows in a dataset of `examples`. Parameters: {"kernel": [m, d, k], "bias":
    [m, k]}, uniform within 1 / sqrt(d) and 0 at first. A mean over the heads; 0 until there are labels. Metrics as
    `assigned.named`. Raises ValueError for more clusters than examples.
    """
    _check(examples, heads, clusters=clusters)

    def init(key, seen):
        d = seen.student.shape[-1]
        kernel = jax.random.uniform(key, (heads, d, clusters), minval=-1.0, maxval=1.0) / d**0.5
        return {"kernel": kernel, "bias": jnp.zeros_like(kernel[:, 0])}, SelfLabeled(bank.unlabeled(examples, heads))

    def loss(params, state, seen):
        x = seen.student.reshape(-1, seen.student.shape[-1])
        each = (jax.tree.map(lambda a: a[m], params) for m in range(heads))  # noqa: B023, read at once
        logits = [scores(head, x).reshape(*seen.student.shape[:2], clusters) for head in each]
        return assigned.named(logits, bank.labels_at(state.labels, seen.batch["index"]))

    return Criterion(init, loss, lambda state, seen: state, (("labels", bank.BY_ROW),))


def scores(head: Tree, rows: Array) -> Array:
    """The logits [n, k] of rows [n, d] by one head of SeLa's."""
    rows = widen(rows)
    return matmul(rows, head["kernel"].astype(rows.dtype)) + head["bias"].astype(rows.dtype)[None]


def remembered(*, examples: Examples, heads: int = 3, prototypes: int = 3000, temperature: float = 0.1) -> Criterion:
    """SeLa-v2 (arXiv:2006.09882, appendix): as DeepCluster-v2's, with prototypes that are learned.

    student: [b, v, d], any norm; batch["index"]: its rows in a dataset of `examples`; of the teacher only the number of
    views w is read, the first w being the crops that are kept in the bank. Parameters: {"prototypes": [m, d, k]},
    columns of norm 1 at the start, to keep them so is the work of the optimizer's constraint. A mean over the heads; 0
    until there are labels. Metrics as `assigned.named`. Raises ValueError for more prototypes than examples.
    """
    _check(examples, heads, prototypes=prototypes)
    ranges.above_zero(temperature=temperature)

    def init(key, seen):
        (_, _, d), w = seen.student.shape, seen.teacher.shape[1]
        dtype = wide(seen.student.dtype)
        columns = contrastive.unit(jax.random.normal(key, (heads, prototypes, d))).swapaxes(1, 2)
        past = bank.init(examples, (w, d), dtype=dtype)
        return {"prototypes": columns}, Remembered(past, bank.unlabeled(examples, heads))

    def loss(params, state, seen):
        z = contrastive.unit(seen.student)
        columns = params["prototypes"].astype(z.dtype)
        logits = [matmul(z, columns[m]) / temperature for m in range(heads)]
        return assigned.named(logits, bank.labels_at(state.labels, seen.batch["index"]))

    def update(state, seen):
        z = contrastive.unit(seen.student[:, : seen.teacher.shape[1]])
        return state._replace(bank=bank.write(state.bank, seen.batch["index"], z))

    return Criterion(init, loss, update, (("bank/", bank.BY_ROW), ("labels", bank.BY_ROW)))


def _check(examples: int, heads: int, **clusters: int) -> None:
    ranges.above_zero(heads=heads, **clusters)
    ranges.at_most(1000, heads=heads)
    ranges.no_more_than_examples(examples, **clusters)
