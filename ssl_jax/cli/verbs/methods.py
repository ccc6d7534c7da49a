"""List the methods: family, what an example must have, paper, recipes; the paradigm too as JSON.

ssl-jax methods
ssl-jax methods --json
"""

import argparse
import json

from rich.box import SIMPLE
from rich.table import Column, Table

from ssl_jax.config import catalog, registry
from ssl_jax.reporting import terminal
from ssl_jax.reporting.display import complain

COLUMNS = ("name", "family", "needs", "paper", "year", "recipes")
WHOLE = ("name", "paper", "year", "recipes")
"""Columns that a narrow terminal does not break."""


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax methods`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Prints the list."""
    rows = catalog.methods()
    for sentence in registry.broken("methods"):
        complain(sentence)
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(*(Column(name, overflow="fold", no_wrap=name in WHOLE) for name in COLUMNS), box=SIMPLE)
    for row in rows:
        table.add_row(*("\n".join(v) if isinstance(v, list | tuple) else str(v) for v in (row[c] for c in COLUMNS)))
    terminal.output().print(table)
