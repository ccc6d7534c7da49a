"""What an annotation lets in: the values of a recipe against the types of the options that they become."""

import collections.abc
import types
import typing
from typing import Any

EMPTY = object()
"""No example."""


def fitted(value: Any, annotation: Any, where: str, *, example: Any = EMPTY) -> Any:
    """`value` where the annotation allows it, parts of tuples included; a whole number becomes the float it stands for.

    A schedule, which is a function of the step, is given as a number or a dict. What has no annotation is let in.
    where: what the value is of, as the sentence begins. example: a value that would do, such as the default.
    Raises ValueError in one sentence.
    """
    options = alternatives(annotation)
    for option in options:
        kind = typing.get_origin(option) or option
        if kind is float and type(value) is int:
            return float(value)
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return _parts(value, typing.get_args(option), where) if kind is tuple else value
    if not options:
        return value
    kinds = sorted({(typing.get_origin(o) or o).__name__ if o is not type(None) else "None" for o in options})
    such = "" if example in (EMPTY, None) else f", such as {example!r}"
    raise ValueError(f"{where} is {shortened(value)}, a {type(value).__name__}; it takes {' or '.join(kinds)}{such}")


def alternatives(annotation: Any) -> tuple:
    """The classes and tuple[...] that an annotation lets in, one by one; none where everything is."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        parts = [alternatives(part) for part in typing.get_args(annotation)]
        return tuple(dict.fromkeys(option for part in parts for option in part)) if all(parts) else ()
    kind = typing.get_origin(annotation) or annotation
    if kind is collections.abc.Callable:
        return (float, dict)
    known = (bool, int, float, str, dict, tuple, type(None))
    return (annotation,) if kind in known else ()


def shortened(value: Any, most: int = 80) -> str:
    """`value` as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"


def _parts(value: tuple, kinds: tuple, where: str) -> tuple:
    if not kinds:
        return value
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise ValueError(f"{where} is {shortened(value)}, which has {len(value)} parts; it takes {len(kinds)}")
    return tuple(fitted(v, kind, f"{where}.{i}") for i, (v, kind) in enumerate(zip(value, kinds, strict=True)))
