"""One sentence for a name that does not exist, whatever the name is of, and one line for what others say in many."""

import difflib
from collections.abc import Iterable

FEW = 20
"""So many names are listed in full; of more, the first."""


def near(name: object, known: Iterable[str], few: int = 3) -> list[str]:
    """The names most like it, at most `few`, the nearest first."""
    return difflib.get_close_matches(str(name), list(known), n=few, cutoff=0.5)


def unknown(name: object, known: Iterable[str], where: str) -> str:
    """The nearest real names, "no 'simclear' in the methods; did you mean simclr?"; where none is near, all or many.

    where: what the names are of, as it stands after "in".
    """
    known = [str(each) for each in known]
    if found := near(name, known):
        return f"no '{name}' in {where}; did you mean {' or '.join(found)}?"
    if not known:
        return f"no '{name}' in {where}, where there is nothing"
    rest = f", … {len(known)} in all" if len(known) > FEW else ""
    return f"no '{name}' in {where}; there are {', '.join(known[:FEW])}{rest}"


def one_line(words: object, most: int = 300) -> str:
    """What an error of another library says, without its line breaks and cut where it is long."""
    line = " ".join(str(words).split())
    return line if len(line) <= most else f"{line[:most]}…"
