"""Where tables and progress go."""

import os
import sys

from rich.console import Console

WIDTH = 120
"""Columns of a file or a pipe, which have none of their own; the variable COLUMNS says others."""


def output(**options) -> Console:
    """Standard output, as wide as the terminal. Brackets and colons in names of files stay what they are. options: of
    rich's Console."""
    own = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(markup=False, emoji=False, width=None if own else WIDTH, **options)
