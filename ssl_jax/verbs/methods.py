"""List the methods: family, paper, paradigm, recipes.

ssl-jax methods
ssl-jax methods --json
"""

import argparse
import json

from rich.console import Console
from rich.table import Column, Table

from ssl_jax import catalogue

COLUMNS = ("name", "family", "paper", "year", "paradigm", "recipes")


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax methods`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Prints the list."""
    rows = catalogue.methods()
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(*(Column(name, overflow="fold") for name in COLUMNS))
    for row in rows:
        table.add_row(*(", ".join(v) if isinstance(v, list) else str(v) for v in (row[c] for c in COLUMNS)))
    Console().print(table)
