"""Which views a criterion compares: functions (w, v) -> [(t, s)] of the teacher's and the student's views.

With the paradigms' crops, view t of the teacher and view t of the student show the same one.
"""

from collections.abc import Callable

from ssl_jax.types import Criterion, Pairs, Seen


def require(seen: Seen, *, pairs: Pairs | None = None, examples: int = 1) -> None:
    """Raises ValueError where there are no pairs to compare, of `crossed` if None, or fewer examples than needed."""
    (b, v), w = seen.student.shape[:2], seen.teacher.shape[1]
    found = (pairs or crossed)(w, v)
    if not found:
        raise ValueError(f"this loss compares at least 2 views of an image, got {v}; raise the views' count")
    if b < examples:
        raise ValueError(f"this loss needs at least {examples} examples in a batch, got {b}; raise the batch size")
    beyond = next(((t, s) for t, s in found if not (0 <= t < w and 0 <= s < v)), None)
    if beyond:
        raise ValueError(f"the pair of views {beyond} is not among {w} of the teacher and {v} of the student")


def stateless(loss: Callable, *, examples: int = 1, pairs: Pairs | None = None) -> Criterion:
    """The criterion of a loss without parameters and state, of which `init` checks what `require` does."""

    def init(key, seen):
        require(seen, pairs=pairs, examples=examples)
        return {}, {}

    return Criterion(init, loss, lambda state, seen: state)


def crossed(w: int, v: int) -> list[tuple[int, int]]:
    """Each teacher view with every other student view."""
    return [(t, s) for t in range(w) for s in range(v) if s != t]


def unordered(w: int, v: int) -> list[tuple[int, int]]:
    """All pairs of student views, each once, of which at least the first is one that the teacher sees."""
    return [(t, s) for t in range(w) for s in range(t + 1, v)]


def same(w: int, v: int) -> list[tuple[int, int]]:
    """Each teacher view with the student's view of the same crop."""
    return [(t, t) for t in range(min(w, v))]


def every(w: int, v: int) -> list[tuple[int, int]]:
    """Each teacher view with each student view, where no crop is seen by both."""
    return [(t, s) for t in range(w) for s in range(v)]


def of(seen: Seen, pairs: Pairs) -> list[tuple[int, int]]:
    """The pairs for as many views as are seen."""
    return pairs(seen.teacher.shape[1], seen.student.shape[1])
