"""Which views a criterion compares. View t of the teacher and view t of the student show the same crop."""

from ssl_jax.types import Seen


def require(seen: Seen, *, views: int = 2, examples: int = 1) -> None:
    """Raises ValueError if fewer views or examples are seen than the criterion can compare."""
    b, v, _ = seen.student.shape
    if v < views:
        raise ValueError(f"this loss compares at least {views} views of an image, got {v}; raise the views' count")
    if b < examples:
        raise ValueError(f"this loss needs at least {examples} examples in a batch, got {b}; raise the batch size")


def crossed(seen: Seen) -> list[tuple[int, int]]:
    """All (t, s): teacher view t with every other student view s."""
    w, v = seen.teacher.shape[1], seen.student.shape[1]
    return [(t, s) for t in range(w) for s in range(v) if s != t]


def unordered(seen: Seen) -> list[tuple[int, int]]:
    """All (t, s) of student views, each once, of which at least t is one that the teacher sees (a global crop)."""
    w, v = seen.teacher.shape[1], seen.student.shape[1]
    return [(t, s) for t in range(w) for s in range(t + 1, v)]
