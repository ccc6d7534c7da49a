"""Criteria of several outputs, made of criteria of one: where to look, and how much each counts."""

import functools
import operator

import jax

from ssl_jax.checks import ranges
from ssl_jax.types import Criterion, Seen, Tree


def at(criterion: Criterion, *, name: str, teacher: str = "") -> Criterion:
    """`criterion`, which sees one output of the student and one of the teacher: the entries of the name, or the path.

    name: "projection", or "maps/stage4" for an entry of an entry. teacher: the teacher's, if another: BYOL's student
    has a "prediction" of the teacher's "projection". `init` raises ValueError where there is no such output.
    """

    def seen_at(seen: Seen) -> Seen:
        return seen._replace(student=_entry(seen.student, name), teacher=_entry(seen.teacher, teacher or name))

    return Criterion(
        lambda key, seen: criterion.init(key, seen_at(seen)),
        lambda params, state, seen: criterion.loss(params, state, seen_at(seen)),
        lambda state, seen: criterion.update(state, seen_at(seen)),
        criterion.placement,
    )


def total(**terms: tuple[float, Criterion]) -> Criterion:
    """The weighted sum of criteria: total(cls=(1.0, ...), patches=(1.0, ...)).

    Parameters, state and placement of each term lie under its name, its metrics too, and its own value as "name/loss".
    Raises ValueError for a negative weight, and where no term has any.
    """
    ranges.zero_or_more(**{name: weight for name, (weight, _) in terms.items()})
    if not any(weight for weight, _ in terms.values()):
        raise ValueError(f"{', '.join(terms) or 'no term'} has weight 0: there is no loss; give one of them a weight")
    parts = {name: criterion for name, (_, criterion) in terms.items()}
    place = {name: i for i, name in enumerate(parts)}

    def own(seen: Seen, name: str) -> Seen:
        return seen._replace(key=jax.random.fold_in(seen.key, place[name]))

    def init(key, seen):
        made = {n: c.init(jax.random.fold_in(key, place[n]), own(seen, n)) for n, c in parts.items()}
        return {n: params for n, (params, _) in made.items()}, {n: state for n, (_, state) in made.items()}

    def loss(params, state, seen):
        found = {n: c.loss(params[n], state[n], own(seen, n)) for n, c in parts.items()}
        metrics = {f"{n}/{key}": m for n, (value, more) in found.items() for key, m in {"loss": value, **more}.items()}
        return functools.reduce(operator.add, (terms[n][0] * value for n, (value, _) in found.items())), metrics

    def update(state, seen):
        return {n: c.update(state[n], own(seen, n)) for n, c in parts.items()}

    placement = tuple((f"{n}/{path}", axes) for n, c in parts.items() for path, axes in c.placement)
    return Criterion(init, loss, update, placement)


def _entry(outputs: Tree, path: str) -> Tree:
    for name in path.split("/"):
        if not isinstance(outputs, dict) or name not in outputs:
            known = ", ".join(sorted(outputs)) if isinstance(outputs, dict) else "one array"
            raise ValueError(f"the loss looks at the output '{path}', and of what the method computes there is {known}")
        outputs = outputs[name]
    return outputs
