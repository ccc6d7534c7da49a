"""What pieces texts are cut into: learned from the captions of the training set where a recipe leaves it open.

The merges then stand in the recipe that a run keeps, as all else that defines it: whoever reads the run needs neither
the captions nor a file beside it, and the same captions give the same recipe.
"""

from collections.abc import Iterable

from ssl_jax.views import texts


def left_open(views: Iterable[dict]) -> set[int]:
    """The sizes of vocabularies whose merges the views leave open."""
    return {size for size, merges in map(_options, _tokenizing(views)) if size > texts.BYTES and not merges}


def known(views: Iterable[dict]) -> dict[int, str]:
    """{size of a vocabulary: its merges} that stand in views."""
    return {size: merges for size, merges in map(_options, _tokenizing(views)) if merges}


def filled(views: tuple[dict, ...], merges: dict[int, str]) -> tuple[dict, ...]:
    """The views, with what they leave open taken from `merges` where it is there."""

    def operation(op: dict) -> dict:
        size, own = _options(op) if op["name"] == texts.tokenize.__name__ else (0, "")
        return {**op, "args": {**op.get("args", {}), "merges": merges[size]}} if size in merges and not own else op

    return tuple({**view, "ops": tuple(map(operation, view["ops"]))} for view in views)


def check(views: Iterable[dict], nets: dict[str, dict]) -> None:
    """Raises ValueError where texts have tokens that a net of texts lacks."""
    most = max([size for size, _ in map(_options, _tokenizing(views))], default=0)
    for role, net in nets.items():
        if net.get("vocabulary", most) < most:
            raise ValueError(
                f"config.nets.{role}.vocabulary is {net['vocabulary']}, and texts have up to {most} tokens; "
                f"give it {most}"
            )


def _tokenizing(views: Iterable[dict]) -> list[dict]:
    return [op for view in views for op in view["ops"] if op["name"] == texts.tokenize.__name__]


def _options(op: dict) -> tuple[int, str]:
    args = op.get("args", {})
    return args.get("vocabulary", texts.BYTES), args.get("merges", "")
