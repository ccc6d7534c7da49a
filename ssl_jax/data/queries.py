"""What stands behind the ? of a dataset's text: OPTION=VALUE, with & between them."""

import re
from collections.abc import Iterable

from ssl_jax.checks import spelling


def options(query: str, known: Iterable[str], name: str, kind: str) -> dict[str, str]:
    """{option: value}. Raises ValueError, which begins with `name`, for an option of `kind` that is not known or has no
    value.
    """
    found = {}
    for part in query.split("&") if query else ():
        key, _, value = part.partition("=")
        if key not in known:
            raise ValueError(f"{name}: {spelling.unknown(key, known, f'the options of {kind}')}")
        if not value:
            raise ValueError(f"{name}: {key} has no value; write {key}=...")
        found[key] = value
    return found


def parted(text: str, known: Iterable[str], name: str, kind: str) -> tuple[str, dict[str, str]]:
    """(what stands before the ?, {option: value}); a ? that no OPTION= follows is a character of the path."""
    place, *query = re.split(r"\?(?=\w+=)", text, maxsplit=1)
    return place, options(query[0] if query else "", known, name, kind)
