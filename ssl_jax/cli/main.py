"""`ssl-jax VERB …`. One file a verb in verbs/: `add(parser)` describes its flags, `run(args, changes)` does it."""

import argparse
import ast
import importlib
import inspect
import os
import pathlib
import re
import sys

from ssl_jax.checks import spelling
from ssl_jax.process import exits, machine

OVERRIDE = re.compile(r"--config\.([\w.]+)=(.*)", re.DOTALL)
VERBS = pathlib.Path(__file__).parent / "verbs"


def main(argv: list[str] | None = None) -> int:
    """Runs one verb; returns its exit code. argv: by default that of the process."""
    if argv is None:
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # that TensorFlow does not load Keras, which takes a second
        machine.start_with_huge_pages()
    argv = list(sys.argv[1:] if argv is None else argv)
    verbs = {path.stem: ast.get_docstring(ast.parse(path.read_text())) for path in sorted(VERBS.glob("[a-z]*.py"))}
    if not argv or argv[0] in ("-h", "--help"):
        print(overview(verbs))
        return 0
    verb, *rest = argv
    if verb not in verbs:
        return complain(spelling.unknown(verb, verbs, "ssl-jax's verbs"))
    # Only the chosen verb is imported: help on the others needs no JAX.
    module = importlib.import_module(f"ssl_jax.cli.verbs.{verb}")
    parser = argparse.ArgumentParser(
        prog=f"ssl-jax {verb}",
        description=verbs[verb],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add(parser)
    try:
        if "changes" in inspect.signature(module.run).parameters:
            changes, rest = overrides(rest)
            return module.run(parser.parse_args(rest), changes) or 0
        return module.run(parser.parse_args(rest)) or 0
    except Exception as error:
        code = exits.of(error)
        if code is None or os.environ.get("SSL_JAX_TRACEBACK"):
            raise
        return complain(sentence(error), code)


def overrides(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """({"batch": "64"}, the rest) of --config.batch=64 and the rest. Raises ValueError for a key without a value."""
    found = [(a, OVERRIDE.fullmatch(a)) for a in arguments]
    for argument, match in found:
        if argument.startswith("--config.") and not match:
            raise ValueError(f"{argument} has no value: write --config.KEY=VALUE, as --config.batch=64")
    return dict(match.groups() for _, match in found if match), [a for a, match in found if not match]


def sentence(error: Exception) -> str:
    """What to tell about it: an OSError's file and reason, else its own words."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def overview(verbs: dict[str, str]) -> str:
    """The help of the command as a whole."""
    lines = [f"  {name:<10} {text.splitlines()[0]}" for name, text in verbs.items()]
    return "\n".join(
        ["usage: ssl-jax VERB [flags]", "", "Pre-train vision models without labels.", "", *lines, ""]
        + ["`ssl-jax VERB --help` tells more; SSL_JAX_TRACEBACK=1 shows where a complaint comes from."]
    )


def complain(sentence: str, code: int = exits.BAD_INPUT) -> int:
    """One sentence to stderr; the exit code."""
    print(f"ssl-jax: {sentence}", file=sys.stderr)
    return code
