"""Criteria of grids: predictions of places find them."""

from ssl_jax.checks import ranges
from ssl_jax.losses import predictive
from ssl_jax.types import Criterion


def predicted(*, offsets: tuple[int, ...] = (3,), scale: float = 0.1) -> Criterion:
    """CPC v2 (arXiv:1905.09272, appendix): the sum of `losses.predictive.rows_below` over directions and offsets.

    student: {direction: {"targets": [b, r, c, d], "predictions": [b, r, c, n, d]}}, each direction turned so that it
    leads down the rows; prediction number i is of the targets offsets[i] rows below. scale: what predictions are
    multiplied by; it stands where others have a temperature. Metrics: the sum of each direction. `init` raises
    ValueError for an offset beyond the grid, and for two widths.
    """
    ranges.above_zero(scale=scale, **{f"offset {i}": offset for i, offset in enumerate(offsets, 1)})

    def init(key, seen):
        for direction, found in seen.student.items():
            if (rows := found["targets"].shape[1]) <= max(offsets):
                raise ValueError(
                    f"this loss predicts {max(offsets)} rows ahead, and towards '{direction}' the grid has {rows}; "
                    f"give offsets below {rows}, or cut more patches"
                )
            made, wanted = (found[name].shape[-1] for name in ("predictions", "targets"))
            if made != wanted:
                raise ValueError(f"predictions have the width {made} and their targets {wanted}; give them one")
        return {}, {}

    def loss(params, state, seen):
        sums = {}
        for direction, found in seen.student.items():
            ahead = [scale * found["predictions"][..., i, :] for i in range(len(offsets))]
            terms = [predictive.rows_below(x, found["targets"], offset=k) for x, k in zip(ahead, offsets, strict=True)]
            sums[direction] = sum(terms)
        return sum(sums.values()), {f"{direction}/loss": value for direction, value in sums.items()}

    return Criterion(init, loss, lambda state, seen: state)
