"""An optimizer from data: a rule by name, clipping, and groups of parameters by their path."""

import inspect
import re
import typing
from typing import Any, NamedTuple

import jax
import optax

from ssl_jax.checks import annotations, ranges, spelling
from ssl_jax.config import durations
from ssl_jax.optim import constrain, lars, layer_decay, leaves, schedules
from ssl_jax.types import Schedule, Tree

Rate = Schedule | float | dict
"""A schedule, or a number or a dict that `schedules.make` makes one of."""


def sgd(
    lr: Schedule,
    *,
    weight_decay: Schedule | float = 0.0,
    momentum: float = 0.9,
    nesterov: bool = False,
    decay_1d: bool = False,
    is_vector: lars.IsVector = leaves.is_vector,
) -> optax.GradientTransformation:
    """Decay into the gradient, momentum, rate: torch's order, as MoCo and SimSiam use it (with decay_1d=True).

    decay_1d: whether biases and norms are decayed too.
    """
    return optax.chain(
        optax.add_decayed_weights(weight_decay, None if decay_1d else leaves.mask(is_vector)),
        optax.trace(momentum, nesterov),
        optax.scale_by_learning_rate(lr),
    )


def adamw(
    lr: Schedule,
    *,
    weight_decay: Schedule | float = 0.0,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    decay_1d: bool = False,
    is_vector: lars.IsVector = leaves.is_vector,
) -> optax.GradientTransformation:
    """Decoupled decay, which the rate multiplies (arXiv:1711.05101, alg. 2, torch's form); decay_1d as for `sgd`."""
    mask = None if decay_1d else leaves.mask(is_vector)
    return optax.adamw(lr, b1, b2, eps, weight_decay=weight_decay, mask=mask)


RULES = {
    rule.__name__: rule
    for rule in (sgd, adamw, lars.lars_rate_then_momentum, lars.lars_momentum_then_rate, lars.larc, lars.larc_clipped)
}

MOMENTA = ("momentum", "b1", "b2")
"""Options that are shares of what was: from 1 on they grow without end."""
DIVISORS = ("eps", "coefficient")
"""Options without which a parameter would move by nothing, or by nothing over nothing."""


class Group(NamedTuple):
    """Parameters that are treated otherwise; what is None is as for the rest.

    match: a regular expression, searched in the path (keys joined by "/"). vectors: True for only one-dimensional
    parameters of those, False for only the others. lr: a schedule of its own; multiple: times the rate.
    freeze: "always", or for how long from the start. unit_norm: the axis along which vectors keep length 1.
    clip_global, clip_each: of this group's gradients alone, besides those of all. options: the rule's own.
    """

    match: str
    vectors: bool | None = None
    name: str | None = None
    lr: Rate | None = None
    multiple: float = 1.0
    weight_decay: Rate | None = None
    freeze: str | None = None
    unit_norm: int | None = None
    clip_global: float | None = None
    clip_each: float | None = None
    options: dict = {}


def make(
    *,
    name: str,
    clock: durations.Clock,
    lr: Rate,
    weight_decay: Rate = 0.0,
    groups: tuple[dict, ...] = (),
    clip_global: float | None = None,
    clip_each: float | None = None,
    layer_rate: float | None = None,
    **options: Any,
) -> optax.GradientTransformation:
    """The rule `name` of `RULES` with its `options`, for all parameters but those of `groups`.

    groups: dicts with the fields of `Group` and options of the rule; the first whose `match` fits a parameter has it.
    clip_global: greatest norm of all gradients together. clip_each: greatest norm of each parameter's gradient, each
    layer of a scanned stack being one (DINO; its code adds 1e-6 to the norm). Neither sees the groups that are frozen
    for good or have a rule (`name`) of their own, such as a probe, which must not change what it watches.
    layer_rate: what the rate of a layer of the encoder is multiplied by for each layer behind it, see `layer_decay`.
    The state is arrays in named tuples and dicts, parameter-shaped ones in the parameters' dtype.

    Raises ValueError in a sentence for an unknown rule, option or key, and at `init` for a group without parameters.
    """
    base = Group(match="", name=name, lr=lr, weight_decay=weight_decay, options=options)
    read = tuple(_read(group) for group in groups)
    labels = [f"group_{i}" for i in range(len(read))]
    rules = {label: _rule(group, base, clock) for label, group in zip(labels, read, strict=True)}
    apart = {label for label, group in zip(labels, read, strict=True) if group.name or group.freeze == "always"}

    def label(tree: Tree) -> Tree:
        return _labels(tree, read)

    def together(tree: Tree) -> Tree:
        return jax.tree.map(lambda label: label not in apart, label(tree))

    return optax.chain(
        *(optax.masked(clip, together) for clip in _clips(clip_global, clip_each)),
        optax.partition({**rules, "rest": _rule(base, base, clock)}, label),
        *_layered(layer_rate),
    )


def _layered(rate: float | None) -> tuple[optax.GradientTransformation, ...]:
    if rate is None:
        return ()
    ranges.above_zero(layer_rate=rate)
    ranges.share(layer_rate=rate)
    return (layer_decay.layer_decay(rate),)


def _clips(clip_global: float | None, clip_each: float | None) -> tuple[optax.GradientTransformation, ...]:
    for name, value in (("clip_global", clip_global), ("clip_each", clip_each)):
        if value is not None and not value > 0:
            raise ValueError(f"{name}={value} would stop all learning; give a norm above 0, or None for no clipping")
    each = () if clip_each is None else (leaves.each_alone(optax.clip_by_global_norm(clip_each)),)
    return each if clip_global is None else (*each, optax.clip_by_global_norm(clip_global))


def _rule(group: Group, base: Group, clock: durations.Clock) -> optax.GradientTransformation:
    """The transformation for one group: clips, rule, constraint; and the wait, if it is frozen at first."""
    name = group.name or base.name
    if name not in RULES:
        raise ValueError(spelling.unknown(name, RULES, "the optimizers"))
    options = {**(base.options if name == base.name else {}), **group.options}
    known = [p.name for p in inspect.signature(RULES[name]).parameters.values() if p.kind == p.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise ValueError(spelling.unknown(option, known, f"the options of {name}"))
    ranges.below_one(**{option: value for option, value in options.items() if option in MOMENTA})
    ranges.above_zero(**{option: value for option, value in options.items() if option in DIVISORS})
    lr = _schedule(base.lr if group.lr is None else group.lr, clock)
    decay = base.weight_decay if group.weight_decay is None else group.weight_decay
    decay = _schedule(decay, clock) if isinstance(decay, dict) else decay
    ranges.zero_or_more(**({} if callable(decay) else {"weight_decay": decay}))
    rate = lr if group.multiple == 1.0 else lambda step: group.multiple * lr(step)
    rule = RULES[name](rate, weight_decay=decay, **options)
    constraint = () if group.unit_norm is None else (constrain.unit_norm(axis=group.unit_norm),)
    rule = optax.chain(*_clips(group.clip_global, group.clip_each), rule, *constraint)
    if group.freeze == "always":
        return optax.set_to_zero()
    return rule if group.freeze is None else constrain.frozen_until(rule, durations.steps(group.freeze, clock))


def _schedule(rate: Rate, clock: durations.Clock) -> Schedule:
    return rate if callable(rate) else schedules.make(rate, clock)


def _read(group: dict) -> Group:
    """A group from data; keys that are no field of it are options of its rule, which `_rule` checks."""
    if "match" not in group:
        raise ValueError(f"the group {group} has no `match`, a regular expression for the paths of its parameters")
    for name, kind in typing.get_type_hints(Group).items():
        if name in group and not callable(group[name]):
            annotations.fitted(group[name], kind, f"the {name} of group {group['match']!r}")
    try:
        re.compile(group["match"])
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the group's match {group['match']!r} is no regular expression: {error}") from error
    ranges.zero_or_more(**{f"the multiple of group {group['match']!r}": group.get("multiple", 1.0)})
    fields = {k: v for k, v in group.items() if k in Group._fields}
    return Group(**{**fields, "options": {k: v for k, v in group.items() if k not in Group._fields}})


def _labels(params: Tree, groups: tuple[Group, ...]) -> Tree:
    """Which group has each parameter: "group_0", ... or "rest".

    Raises ValueError for a group that has none, unless parts of the tree are masked out, which it may be for.
    """

    def first(path: str, leaf: Any) -> str:
        for i, group in enumerate(groups):
            vectors = group.vectors is None or group.vectors == leaves.is_vector(path, leaf)
            if vectors and re.search(group.match, path):
                return f"group_{i}"
        return "rest"

    owners = {}
    labels = leaves.map_paths(lambda path, leaf: owners.setdefault(path, first(path, leaf)), params)
    if any(map(_is_masked, jax.tree.leaves(params, is_leaf=_is_masked))):
        return labels
    for i, group in enumerate(groups):
        if f"group_{i}" not in owners.values():
            raise ValueError(_empty(group, owners))
    return labels


def _is_masked(node: Any) -> bool:
    return isinstance(node, optax.MaskedNode)


def _empty(group: Group, owners: dict[str, str]) -> str:
    taken = [path for path in owners if re.search(group.match, path)]
    if taken:
        why = "earlier groups have them all" if group.vectors is None else f"none is free with vectors={group.vectors}"
        return f"the group {group.match!r} fits {len(taken)} parameters, such as {taken[0]!r}, but {why}"
    return f"a group fits no parameter: {spelling.unknown(group.match, owners, 'their paths')}"
