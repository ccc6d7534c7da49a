"""One row for each example of the dataset, written when the example is seen."""

from typing import NamedTuple

import jax.numpy as jnp

from ssl_jax.types import Array

BY_ROW = ("example",)
"""How what has a row for each example lies on a mesh: split over all devices."""
MOST, EXTRA = 2**13, 2**6
"""Padded for meshes of up to so many devices, by at most one row in so many."""


class Bank(NamedTuple):
    """rows: [n, ..., d]. written: bool [n], whether the row was ever written; n as `padded` has it."""

    rows: Array
    written: Array


def padded(size: int) -> int:
    """The rows for `size` examples: a few more, so that a power of two of devices can share them.

    The number depends on nothing but `size`, so that a checkpoint fits every mesh.
    """
    share = min(MOST, 2 ** max(0, (size // EXTRA).bit_length() - 1))
    return -(-size // share) * share


def init(size: int, row: tuple[int, ...], *, dtype: jnp.dtype = jnp.float32) -> Bank:
    """A bank of zero rows of shape `row` for `size` examples, none written."""
    n = padded(size)
    return Bank(jnp.zeros((n, *row), dtype), jnp.zeros(n, bool))


def write(bank: Bank, index: Array, rows: Array) -> Bank:
    """The bank with rows[i] at index[i]; where an index comes twice, its last row stays.

    index: int [b], rows of the bank; negative ones (padding) are left out. rows: [b, ..., d].
    """
    place = jnp.where(_last(index) & (index >= 0), index, bank.rows.shape[0])  # one past the end: dropped
    return Bank(
        bank.rows.at[place].set(rows.astype(bank.rows.dtype), mode="drop"),
        bank.written.at[place].set(True, mode="drop"),
    )


def _last(index: Array) -> Array:
    """Bool [b]: no later entry is equal. Which of two writes to a row lands last is otherwise left to the device."""
    order = jnp.arange(index.shape[0])
    again = (index[:, None] == index[None]) & (order[None] > order[:, None])
    return ~jnp.any(again, 1)


def unlabeled(examples: int, *columns: int) -> Array:
    """Labels of the dataset before there are any: -1, int32 [n, ...] with the padding of a bank."""
    return jnp.full((padded(examples), *columns), -1, jnp.int32)


def labels_at(labels: Array, index: Array) -> Array:
    """Rows of labels int32 [n, ...] of the examples int [b]; -1 for those beyond the dataset."""
    return labels.at[index].get(mode="fill", fill_value=-1)
