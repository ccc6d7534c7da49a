"""View data -> checked records, and which part of a view is whose: geometry the host's, colour the device's."""

import inspect
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ssl_jax import spelling
from ssl_jax.types import Op, View
from ssl_jax.views import geometric, photometric


class Run(NamedTuple):
    """Views of one group, next to each other, with the same operations in all but p.

    first: the number of the first of them among all views of the recipe. p: [count][operation] of `colour`.
    """

    group: str
    first: int
    count: int
    size: int
    geometry: tuple[Op, ...]
    colour: tuple[Op, ...]
    p: tuple[tuple[float, ...], ...]


def _operations(module, first: list[str]) -> dict[str, Callable]:
    functions = {name: f for name, f in vars(module).items() if inspect.isfunction(f) and not name.startswith("_")}
    return {name: f for name, f in functions.items() if list(inspect.signature(f).parameters)[:2] == first}


GEOMETRIC = _operations(geometric, ["seed", "images"])
PHOTOMETRIC = _operations(photometric, ["key", "image"])


def views(data: Iterable[dict]) -> tuple[View, ...]:
    """Plain dicts, as recipes have them, -> records; raises ValueError, in one sentence, for what no view can be.

    A dict is dict(group=..., count=1, size=..., ops=(dict(name=..., p=1.0, args=dict(...)), ...)). A geometric
    operation that takes a size gets that of the view unless it is given.
    """
    made = tuple(map(_view, data))
    if not made:
        raise ValueError("there are no views; give one dict(group=..., size=..., ops=(...)) or more")
    sizes: dict[str, int] = {}
    for view in made:
        if sizes.setdefault(view.group, view.size) != view.size:
            raise ValueError(
                f"the views of group '{view.group}' have {sizes[view.group]} and {view.size} pixels; "
                f"give them one size or two groups"
            )
        split(view)
    return made


def split(view: View) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
    """(geometric operations, photometric operations). Raises ValueError where their order is no possible one."""
    names = [op.name for op in view.ops]
    place = next((i for i, name in enumerate(names) if name in PHOTOMETRIC), len(names))
    late = [name for name in names[place:] if name in GEOMETRIC]
    if late:
        raise ValueError(
            f"a view of group '{view.group}' has {names[place]} before {late[0]}: "
            f"the host's geometric operations come before the photometric ones"
        )
    if "normalise" in names[:-1]:
        raise ValueError(f"a view of group '{view.group}' has operations after normalise: it must be the last one")
    return view.ops[:place], view.ops[place:]


def runs(records: Iterable[View]) -> tuple[Run, ...]:
    """All views, with neighbours made one run where they differ in nothing but their colours' p."""
    made: list[Run] = []
    first = 0
    for view in records:
        geometry, colour = split(view)
        p = (tuple(op.p for op in colour),) * view.count
        colour = tuple(op._replace(p=1.0) for op in colour)
        new = Run(view.group, first, view.count, view.size, geometry, colour, p)
        if made and made[-1]._replace(first=0, count=0, p=()) == new._replace(first=0, count=0, p=()):
            made[-1] = made[-1]._replace(count=made[-1].count + new.count, p=made[-1].p + p)
        else:
            made.append(new)
        first += view.count
    return tuple(made)


def checked(photometric: str) -> bool:
    """Whether colours are the host's. Raises ValueError for a word that is neither host nor device."""
    if photometric not in ("device", "host"):
        raise ValueError(f"photometric is '{photometric}'; it must be 'device' or 'host'")
    return photometric == "host"


def _view(data: dict) -> View:
    if not isinstance(data, dict) or not isinstance(data.get("ops", ()), tuple | list):
        raise ValueError(f"a view is {data!r}; it must be dict(group=..., size=..., ops=(dict(name=...), ...))")
    _only(data, ("group", "count", "size", "ops"), ("group", "size", "ops"), "a view")
    count, size = data.get("count", 1), data["size"]
    for name, value in (("count", count), ("size", size)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(
                f"a view of group '{data['group']}' has {name} {value!r}; it must be a whole number from 1"
            )
    return View(data["group"], count, size, tuple(_op(op, size) for op in data["ops"]))


def _op(data: dict | Op, size: int) -> Op:
    if not isinstance(data, dict | Op):
        raise ValueError(f"an operation of a view is {data!r}; it must be dict(name=..., p=1.0, args=dict(...))")
    data = data._asdict() if isinstance(data, Op) else data
    _only(data, ("name", "p", "args"), ("name",), "an operation of a view")
    name, p, args = data["name"], data.get("p", 1.0), dict(data.get("args", {}))
    known = GEOMETRIC | PHOTOMETRIC
    if name not in known:
        raise ValueError(spelling.unknown(name, known, "the operations of views"))
    if not isinstance(p, int | float) or not 0 <= p <= 1:
        raise ValueError(f"{name} has p {p!r}; it must be a probability from 0 to 1")
    parameters = inspect.signature(known[name]).parameters
    if "size" in parameters:
        args.setdefault("size", size)
    if name in GEOMETRIC and p != 1 and "p" not in parameters:
        raise ValueError(f"{name} has p {p}, and only photometric operations and flip can be left out; set p to 1")
    options = [n for n in list(parameters)[2:] if n != "p"]
    required = [n for n in options if parameters[n].default is inspect.Parameter.empty]
    _only(args, options, required, name)
    return Op(name, float(p), args)


def _only(given: dict, known: Iterable[str], required: Iterable[str], where: str) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            takes = spelling.unknown(name, known, f"the arguments of {where}")
            raise ValueError(takes if known else f"{where} takes no arguments, and '{name}' is given")
    for name in required:
        if name not in given:
            raise ValueError(f"{where} needs '{name}'; it has {', '.join(given) or 'nothing'}")
