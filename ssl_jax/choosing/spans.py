"""Spans of time as people write them."""

import re

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
FORMS = "90s, 5m, 2h, 1h30m or 3d"


def seconds(text: str) -> float:
    """The seconds of a text such as 1h30m. ValueError for anything else, and for no time at all."""
    found = re.fullmatch("".join(rf"(?:(\d{{1,9}}(?:\.\d+)?){unit})?" for unit in UNITS), text.strip().lower())
    total = (
        sum(float(part) * unit for part, unit in zip(found.groups("0"), UNITS.values(), strict=True)) if found else 0
    )
    if not total:
        raise ValueError(f"--time={text} is no span of time: write {FORMS}")
    return total


def text(seconds: float) -> str:
    """Seconds, rounded, as `seconds` reads them."""
    whole, out = round(seconds), ""
    for name, unit in UNITS.items():
        if whole >= unit:
            out, whole = f"{out}{whole // unit}{name}", whole % unit
    return out or "0s"
