"""What a function computes and sends: operations from its jaxpr, collectives from its compiled text."""

import math
import re

from jax.extend import core

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
WIDTHS = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s16": 2, "u16": 2, "f64": 8, "s64": 8, "u64": 8}
"""Bytes of an element; 4 for all others that occur."""
SENT = re.compile(rf"= (?P<shape>.+?) (?P<kind>{'|'.join(KINDS)})(?P<start>-start)?\(")
ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")


def flops(jaxpr: core.Jaxpr) -> float:
    """Multiplications and additions of the matrix products and convolutions of a program, all devices together.

    The body of a scan counts as often as it runs, which compilers' own counts
    miss; of the branches of a condition the dearest counts; of a loop without a known length one turn. What is
    computed again for the backward pass (remat) counts again.
    """
    return sum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: core.JaxprEqn) -> float:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = params["dimension_numbers"]
        left = equation.invars[0].aval.shape
        return 2.0 * math.prod(equation.outvars[0].aval.shape) * math.prod(left[axis] for axis in contracted)
    if name == "conv_general_dilated":
        numbers, kernel = params["dimension_numbers"], equation.invars[1].aval.shape
        taps = math.prod(kernel[axis] for axis in numbers.rhs_spec[1:])  # inputs of a group and window
        # Zeros between the pixels of a dilated input are multiplied by nobody.
        inserted = math.prod(params["lhs_dilation"])
        return 2.0 * math.prod(equation.outvars[0].aval.shape) * taps / inserted
    inner = [flops(jaxpr) for jaxpr in core.jaxprs_in_params(params)]
    if name == "cond":
        return max(inner)
    return params.get("length", 1) * sum(inner) if name == "scan" else sum(inner)


def collectives(text: str) -> dict[str, dict[str, float]]:
    """{kind: {"count": instructions, "bytes": of their results on one device}} of a compiled module's text.

    An instruction in the body of a loop counts once.
    """
    found: dict[str, dict[str, float]] = {}
    for match in SENT.finditer(text):
        arrays = ARRAY.findall(match["shape"])
        if match["start"] and match["kind"] in ("all-gather", "collective-permute"):
            arrays = arrays[len(arrays) // 2 :] if match["kind"] == "all-gather" else arrays[1:2]
        row = found.setdefault(match["kind"], {"count": 0, "bytes": 0.0})
        row["count"] += 1
        row["bytes"] += sum(
            WIDTHS.get(kind, 4) * math.prod(map(int, sides.split(",") if sides else ())) for kind, sides in arrays
        )
    return found
