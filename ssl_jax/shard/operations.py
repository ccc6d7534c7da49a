"""What a function computes and sends: operations from its jaxpr, collectives from its compiled text."""

import math
import re

from jax.extend import core

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
WIDTHS = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s16": 2, "u16": 2, "f64": 8, "s64": 8, "u64": 8}
"""Bytes of an element; 4 for all others that occur."""
SENT = re.compile(rf"= (?P<shape>.+?) (?P<kind>{'|'.join(KINDS)})(?P<start>-start)?\(")
ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")
PLACED = re.compile(ARRAY.pattern + r"(\{[^}]*\})?")
INSTRUCTION = re.compile(
    r"\s+(?:ROOT )?%?(?P<name>[\w.-]+) = (?P<shape>.+?) (?P<kind>[a-z][\w-]*)\((?P<operands>[^)]*)\)"
)
FREE = ("parameter", "constant", "get-tuple-element", "tuple", "bitcast", "while", "conditional", "call", "custom-call")
"""Instructions that move nothing themselves; custom calls of a TPU hand out memory."""
FILLED = {"copy-start": 0, "slice-start": 1}
"""Which of the arrays of a transfer's start is the one that it fills; the others are what it takes it from."""
BLOCK = re.compile(r"(?P<entry>ENTRY )?%?(?P<name>[\w.-]+) \(.*\{$")
LOOP = re.compile(r" while\(.*?condition=%?(?P<condition>[\w.-]+), body=%?(?P<body>[\w.-]+)")
CALLED, FUSED = ("call", "conditional", "async-start"), ("fusion",)
"""Kinds of instructions that run other blocks as they are, or as one kernel."""
INNER = re.compile(r"(?:to_apply=|calls=|branch_computations=\{)([^},]*(?:, %[\w.-]+)*)")
CHANNEL = re.compile(r"channel_id=(\d+)")


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
    """{kind: {"count": times, "bytes": of their results on one device}} of a step of a compiled module's text."""
    found: dict[str, dict[str, float]] = {}
    channels = set()
    for times, lines in _blocks(text, inside=CALLED + FUSED):
        for line in lines:
            match, channel = SENT.search(line), CHANNEL.search(line)
            if not match or channel and channel[1] in channels:  # of a collective in several parts, each is told of
                continue
            channels |= {channel[1]} if channel else set()
            arrays = ARRAY.findall(match["shape"])
            if match["start"] and match["kind"] in ("all-gather", "collective-permute"):
                arrays = arrays[len(arrays) // 2 :] if match["kind"] == "all-gather" else arrays[1:2]
            row = found.setdefault(match["kind"], {"count": 0, "bytes": 0.0})
            row["count"] += times
            row["bytes"] += times * sum(_bytes(*array) for array in arrays)
    return found


def repeated(text: str) -> float:
    """Bytes that the loops of a step move beyond their first turn, which compilers' own counts leave out.

    Operands and results of the instructions in their bodies; of arrays that have an entry for each turn, one entry.
    """
    return sum((turns - 1) * _traffic(lines, turns) for turns, lines in _blocks(text, inside=CALLED))


def moved(text: str) -> float:
    """Bytes that a step moves between a chip's large memory and what computes, all turns of its loops.

    Compilers' own counts are larger: they have what is read from the small memory, too, transfers between the two from
    both sides, and the whole of an array for each slice of it.
    """
    return sum(turns * _traffic(lines, turns) for turns, lines in _blocks(text, inside=CALLED))


def _traffic(lines: list[str], turns: int) -> float:
    """Bytes that one turn of a block moves between a chip's large memory and what computes."""
    found = [match for match in map(INSTRUCTION.match, lines) if match]
    shapes, moved = {match["name"]: match["shape"] for match in found}, 0.0
    for match in found:
        if match["kind"] not in FREE and not match["kind"].endswith("-done"):
            names = re.findall(r"%([\w.-]+)", match["operands"])
            every = [match["shape"], *(shapes[name] for name in names if name in shapes)]
            if match["kind"] in FILLED:
                filled = list(PLACED.finditer(match["shape"]))[FILLED[match["kind"]]]
                near = any("S(" in shape for shape in every[1:])
                every = [filled[0], *([] if near else [filled[0].split("{")[0]])]  # as much is taken as is filled
            moved += sum(_moved(shape, turns) for shape in every)
    return moved


def _moved(shape: str, turns: int) -> float:
    """Bytes of the arrays of a shape that lie in the chip's large memory; S(1) is its small one."""
    arrays = [array for array in PLACED.findall(shape) if "S(" not in array[2]]
    return sum(_bytes(kind, sides) / (turns if sides.split(",")[0] == str(turns) else 1) for kind, sides, _ in arrays)


def _bytes(kind: str, sides: str) -> float:
    return float(WIDTHS.get(kind, 4) * math.prod(map(int, sides.split(",") if sides else ())))


def _blocks(text: str, inside: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    """(how often it runs in a step, its lines) for what a compiled module runs.

    That is its entry, what loops have in them, and what instructions of the kinds `inside` have. A text without an
    entry is one block.
    """
    blocks: dict[str, list[str]] = {}
    name = entry = ""
    for line in text.splitlines():
        if head := BLOCK.match(line):
            name = head["name"]
            entry = name if head["entry"] else entry
        blocks.setdefault(name, []).append(line)
    found: list[tuple[int, list[str]]] = []

    def visit(name: str, times: int) -> None:
        found.append((times, blocks[name]))
        for line in blocks[name]:
            if loop := LOOP.search(line):
                visit(loop["body"], times * _turns(line, blocks[loop["condition"]]))
            if (one := INSTRUCTION.match(line)) and one["kind"] in inside:
                for inner in re.findall(r"[\w.-]+", " ".join(INNER.findall(line))):
                    visit(inner, times)

    if entry:
        visit(entry, 1)
    return found or [(1, text.splitlines())]


def _turns(line: str, condition: list[str]) -> int:
    """How often a loop runs, by its own word or the constant that its counter is compared with; 1 if neither tells."""
    if known := re.search(r'known_trip_count":\{"n":"(\d+)"', line):
        return int(known[1])
    bounds = {int(n) for n in re.findall(r" constant\((\d+)\)", "\n".join(condition))}
    return bounds.pop() if len(bounds) == 1 else 1
