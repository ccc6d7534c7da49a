"""View data -> checked records, and which part of a view is whose: geometry the host's, color the device's."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ssl_jax.checks import annotations, spelling
from ssl_jax.types import Op, View
from ssl_jax.views import (
    arguments,
    clips,
    corruptions,
    geometric,
    jigsaw,
    photometric,
    points,
    points_device,
    series,
    series_device,
    texts,
)


class Run(NamedTuple):
    """Views of one group, next to each other, with the same operations in all but p.

    first: the number of the first of them among all views of the recipe. p: [count][operation] of `color`.
    stream: the number of the view whose geometric draws they have, `first` but for `draws`.
    """

    group: str
    first: int
    count: int
    size: int | tuple[int, int]
    geometry: tuple[Op, ...]
    color: tuple[Op, ...]
    p: tuple[tuple[float, ...], ...]
    of: str
    draws: str
    places: bool
    stream: int


class Kind(NamedTuple):
    """Operations by name, of the host and of the device, that a kind of part has."""

    host: dict[str, Callable]
    device: dict[str, Callable]


def _operations(module, first: list[str]) -> dict[str, Callable]:
    functions = {name: f for name, f in vars(module).items() if inspect.isfunction(f) and not name.startswith("_")}
    return {name: f for name, f in functions.items() if list(inspect.signature(f).parameters)[:2] == first}


GEOMETRIC = _operations(geometric, ["seed", "images"]) | _operations(jigsaw, ["seed", "images"])
PHOTOMETRIC = _operations(photometric, ["key", "image"])
CORRUPTIONS = _operations(corruptions, ["key", "image"])
"""Of the device alone."""
KINDS = {
    "image": Kind(GEOMETRIC, PHOTOMETRIC | CORRUPTIONS),
    "clip": Kind(_operations(clips, ["seed", "items"]), PHOTOMETRIC),
    "text": Kind(_operations(texts, ["seed", "texts"]), {}),
    "points": Kind(_operations(points, ["seed", "items"]), _operations(points_device, ["key", "points"])),
    "series": Kind(_operations(series, ["seed", "items"]), _operations(series_device, ["key", "series"])),
}
TAKEN = ("index", "label", "target", "mask", "valid", "replaced", "position")
"""What a batch has besides its views."""
PIXELS = ("image", "clip")
"""Kinds whose views are integers, 0 to the largest of their type, which the device makes 0..1."""


def views(data: Iterable[dict], *, path: str = "views") -> tuple[View, ...]:
    """Plain dicts, as recipes have them, -> records; raises ValueError, in one sentence, for what no view can be.

    A dict is dict(group=..., count=1, size=..., ops=(dict(name=..., p=1.0, args=dict(...)), ...), of="image",
    draws=""). An operation that takes a size or a number of frames gets that of the view unless it is given. path: the
    key of the recipe that has them.
    """
    made = tuple(_view(each, f"config.{path}.{i}") for i, each in enumerate(data))
    if not made:
        raise ValueError(f"config.{path}: there are no views; give one dict(group=..., size=..., ops=(...)) or more")
    first: dict[str, View] = {}
    for i, view in enumerate(made):
        other = first.setdefault(view.group, view)
        for key, what in (("size", "size"), ("of", "part"), ("places", "value")):
            a, b = getattr(other, key), getattr(view, key)
            if a != b:
                unit = " pixels" if key == "size" and view.of == "image" else ""
                raise ValueError(
                    f"config.{path}.{i}.{key}: the views of group '{view.group}' have {a} and {b}{unit}; "
                    f"give them one {what} or two groups"
                )
        try:
            split(view)
        except ValueError as error:
            raise ValueError(f"config.{path}.{i}.ops: {error}") from error
    return made


def split(view: View) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
    """(geometric operations, photometric operations). Raises ValueError where their order is no possible one."""
    names, kind = [op.name for op in view.ops], KINDS[view.of]
    place = next((i for i, name in enumerate(names) if name in kind.device), len(names))
    late = [name for name in names[place:] if name in kind.host]
    if late:
        raise ValueError(
            f"a view of group '{view.group}' has {names[place]} before {late[0]}: "
            f"the host's operations, such as crops, come before the device's, such as colors"
        )
    if "normalize" in names[:-1]:
        raise ValueError(f"a view of group '{view.group}' has operations after normalize: it must be the last one")
    return view.ops[:place], view.ops[place:]


def runs(records: Iterable[View]) -> tuple[Run, ...]:
    """All views, with neighbors made one run where they differ in nothing but their colors' p."""
    made: list[Run] = []
    first = 0
    for view in records:
        geometry, color = split(view)
        p = (tuple(op.p for op in color),) * view.count
        color = tuple(op._replace(p=1.0) for op in color)
        shared = next((run.stream for run in made if view.draws and run.draws == view.draws), first)
        new = Run(
            view.group, first, view.count, view.size, geometry, color, p, view.of, view.draws, view.places, shared
        )
        alike = dict(first=0, count=0, p=(), stream=0)
        if not view.draws and made and made[-1]._replace(**alike) == new._replace(**alike):
            made[-1] = made[-1]._replace(count=made[-1].count + new.count, p=made[-1].p + p)
        else:
            made.append(new)
        first += view.count
    return tuple(made)


DRAWING = {
    *("random_resized_crop", "pad_crop", "jigsaw", "color_jitter", "gaussian_blur", "rand_augment_color"),
    *("clip", "random_line", "sample", "stretch", "shift", "turn"),
    *("window", "add_noise", "rescale", "cutout"),
}
"""Operations that draw numbers of their own, besides whether they are done at all."""


def random(view: View) -> bool:
    """Whether two draws of a view can differ."""
    return any(0 < op.p < 1 or op.p == 1 and _draws(op) for op in view.ops)


def _draws(op: Op) -> bool:
    return op.name in DRAWING and op.args.get("place") != "center" and not op.args.get("fixed")


def checked(photometric: str) -> bool:
    """Whether colors are the host's. Raises ValueError for a word that is neither host nor device."""
    if photometric not in ("device", "host"):
        raise ValueError(f"photometric is '{photometric}'; it must be 'device' or 'host'")
    return photometric == "host"


def _view(data: dict, where: str) -> View:
    if not isinstance(data, dict) or not isinstance(data.get("ops", ()), tuple | list):
        shown = annotations.shortened(data, 300)
        raise ValueError(f"{where}: a view is {shown}; it must be dict(group=..., size=..., ops=(dict(name=...), ...))")
    _only(data, View._fields, ("group", "size", "ops"), where, "a view")
    group, count, size = data["group"], data.get("count", 1), data["size"]
    of, draws, places = data.get("of", "image"), data.get("draws", ""), data.get("places", False)
    if not isinstance(group, str) or group in ("", *TAKEN) or "/" in group:
        raise ValueError(
            f"{where}.group is {group!r}; it must be a name such as 'global', without a slash and none of "
            f"{', '.join(TAKEN)}"
        )
    if not isinstance(of, str) or of not in KINDS:
        raise ValueError(f"{where}.of: {spelling.unknown(of, KINDS, 'the parts of an example')}")
    if not isinstance(draws, str):
        raise ValueError(f"{where}.draws is {annotations.shortened(draws)}; it must be a word")
    if not isinstance(places, bool) or places and of != "image":
        raise ValueError(
            f"{where}.places is {annotations.shortened(places)}; it is True or False, and for images alone"
        )
    size = _size(size, of, group, where)
    _whole(count, arguments.COPIES, "count", group, where)
    ops = tuple(_op(op, size, of, f"{where}.ops.{i}") for i, op in enumerate(data["ops"]))
    return View(group, count, size, ops, of, draws, places)


def _size(size: object, of: str, group: str, where: str) -> int | tuple[int, int]:
    """The size of a view: (frames, pixels) for a clip, else a whole number."""
    if of != "clip":
        _whole(size, arguments.LARGEST, "size", group, where)
        return size
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise ValueError(
            f"{where}.size: a view of group '{group}' shows a clip and has size {annotations.shortened(size)}; "
            "it must be (frames, pixels)"
        )
    for each in size:
        _whole(each, arguments.LARGEST, "size", group, where)
    return tuple(size)


def _whole(value: object, most: int, name: str, group: str, where: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError(
            f"{where}.{name}: a view of group '{group}' has {name} {annotations.shortened(value)}; "
            f"it must be a whole number from 1 to {most}"
        )


def extent(size: int | tuple[int, int], of: str) -> tuple[int, ...]:
    """The leading axes of one view: height and width, frames before them, tokens, points or readings."""
    if of == "clip":
        return (size[0], size[1], size[1])
    return (size, size) if of == "image" else (size,)


def _op(data: dict | Op, size: int | tuple[int, int], of: str, where: str) -> Op:
    if not isinstance(data, dict | Op):
        raise ValueError(
            f"{where}: an operation of a view is {data!r}; it must be dict(name=..., p=1.0, args=dict(...))"
        )
    data = data._asdict() if isinstance(data, Op) else data
    _only(data, ("name", "p", "args"), ("name",), where, "an operation of a view")
    name, p, args = data["name"], data.get("p", 1.0), data.get("args", {})
    known, whose = KINDS[of].host | KINDS[of].device, "" if of == "image" else f" of part '{of}'"
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{where}.name: {spelling.unknown(name, known, f'the operations of views{whose}')}")
    if not isinstance(p, int | float) or isinstance(p, bool) or not 0 <= p <= 1:
        raise ValueError(f"{where}.p: {name} has p {p!r}; it must be a probability from 0 to 1")
    if not isinstance(args, dict):
        raise ValueError(f"{where}.args: {name} has args {annotations.shortened(args)}; they must be a dict")
    parameters = inspect.signature(known[name]).parameters
    if name in KINDS[of].host and p != 1 and "p" not in parameters:
        raise ValueError(
            f"{where}.p: {name} has p {p}, and only photometric operations and flip can be left out; set p to 1"
        )
    own = {"frames": size[0], "size": size[1]} if of == "clip" else {"size": size}
    own = {key: value for key, value in own.items() if key in parameters}
    return Op(name, float(p), _args(name, parameters, {**own, **args}, where))


def _args(name: str, parameters: Mapping, args: dict, where: str) -> dict:
    """The arguments of an operation, each of the right type and in its range."""
    options = [n for n in list(parameters)[2:] if n != "p"]
    required = [n for n in options if parameters[n].default is inspect.Parameter.empty]
    _only(args, options, required, f"{where}.args", name)
    fitted = {}
    for key, value in args.items():
        parameter, at = parameters[key], f"{where}.args.{key}"
        example = annotations.EMPTY if parameter.default is parameter.empty else parameter.default
        value = tuple(value) if isinstance(value, list) else value
        fitted[key] = annotations.fitted(value, parameter.annotation, at, example=example)
        arguments.check(key, fitted[key], at)
    if name == "normalize" and len(fitted["mean"]) != len(fitted["std"]):
        raise ValueError(f"{where}.args: normalize has {len(fitted['mean'])} means and {len(fitted['std'])} stds")
    return fitted


def _only(given: dict, known: Iterable[str], required: Iterable[str], where: str, what: str) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            takes = spelling.unknown(name, known, f"the arguments of {what}")
            raise ValueError(f"{where}: {takes if known else f'{what} takes no arguments, and {name!r} is given'}")
    for name in required:
        if name not in given:
            raise ValueError(f"{where}: {what} needs '{name}'; it has {', '.join(map(str, given)) or 'nothing'}")
