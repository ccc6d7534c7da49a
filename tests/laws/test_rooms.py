"""Who may import whom, and which words belong to which room. The table is docs/architecture.md's, section Rooms."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "ssl_jax"
EVERYTHING = {"*"}
MAY_IMPORT = {
    "types": set(),
    "durations": set(),
    "spelling": set(),
    "ranges": set(),
    "annotations": set(),
    "registry": {"spelling"},
    "recipes": {"spelling"},
    "losses": {"losses", "types"},
    "state": {"state", "losses", "types"},
    "monitors": {"losses", "types"},
    "criteria": {"criteria", "losses", "monitors", "ranges", "state", "types"},
    "targets": {"losses", "types"},
    "masks": {"types"},
    "pretext_tasks": {"types"},
    "paradigms": {"paradigms", "criteria", "losses", "monitors", "state", "masks", "targets", "pretext_tasks", "types"},
    "passes": {"passes", "durations", "losses", "ranges", "spelling", "state", "types"},
    "passing": {"data", "durations", "job", "shard", "types"},
    "methods": {
        "paradigms",
        "passes",
        "criteria",
        "losses",
        "ranges",
        "state",
        "masks",
        "targets",
        "pretext_tasks",
        "types",
    },
    "nets": {"nets", "ranges", "spelling", "types"},
    "views": {"annotations", "views", "spelling", "types"},
    "data": {"data", "files", "machine", "spelling", "views", "types"},
    "optim": {"annotations", "optim", "durations", "ranges", "spelling", "types"},
    "shard": {"exits", "machine", "shard", "spelling", "step", "types"},
    "step": {"types"},
    "checksums": {"types"},
    "checkpoint": {"checksums", "orbax_words", "paths", "types"},
    "paths": set(),
    "orbax_words": set(),
    "log": {"display", "files", "types"},
    "files": set(),
    "lease": {"exits", "files"},
    "resuming": {"build", "checkpoint", "durations", "files", "job", "recipes", "report", "schema", "views"},
    "display": set(),
    "exits": set(),
    "parquet": set(),
    "identity": {"job", "recipes"},
    "launching": {"exits", "launching", "machine", "shard"},
    "goodput": set(),
    "stopping": set(),
    "health": {"exits", "types"},
    "watchdog": {"exits", "goodput"},
    "pictures": {"evals"},
    "evals": {"evals", "spelling", "types"},
    "job": {"checkpoint", "data", "durations", "health", "types"},
    "matching": {"evals", "job", "types"},
    "evaluation": {"data", "evals", "job", "matching", "monitors", "shard", "types"},
    "loop": {
        *(
            "checkpoint",
            "data",
            "display",
            "durations",
            "evaluation",
            "goodput",
            "health",
            "job",
            "log",
            "passing",
            "shard",
            "stopping",
        ),
        "types",
    },
    "baselines": {"evaluation", "files", "identity", "job", "machine", "recipes", "shard"},
    "report": {
        *("data", "display", "evaluation", "files", "goodput", "job", "log", "matching", "pictures", "shard"),
        *("step", "types", "views"),
    },
    "catalogue": {"recipes", "registry", "spelling", "types"},
    "schema": {"annotations", "health", "optim", "recipes", "registry", "spelling", "types", "views"},
    "notices": {"durations", "optim", "types", "views"},
    "dry_run": {"data", "job", "spelling", "step", "types", "views"},
    "build": EVERYTHING,
    "api": EVERYTHING,
    "encoder": EVERYTHING,
    "starting": {
        *("display", "encoder", "exporting", "files", "job", "resuming", "shard", "types"),
    },
    "embedding": {"checksums", "data", "encoder", "files", "recipes"},
    "exporting": {
        *("api", "checkpoint", "data", "encoder", "exporting", "loop", "machine", "nets", "paths", "resuming"),
        *("spelling", "types"),
        *("views", "__version__"),
    },
    "planning": EVERYTHING,
    "verbs": EVERYTHING,
    "machine": set(),
    "main": {"exits", "machine", "spelling"},
    "__main__": {"main"},
    "__init__": EVERYTHING,
}
HOST_VIEWS = {"clips", "compose_host", "decoding", "geometric", "photometric_host", "places", "texts"}
HOST_VIEWS = {f"views/{name}.py" for name in HOST_VIEWS}
"""The files of views/ that work on the host, in tensorflow."""

READERS = ROOT / "exporting" / "readers"
"""Scripts that another Python runs, which need not have this library."""

FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imports(path: Path):
    """Every module that a file imports, as dotted names; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_stay_in_their_rooms(path):
    allowed = MAY_IMPORT[room(path)]
    for module in imports(path):
        if module.startswith("ssl_jax.") and allowed is not EVERYTHING:
            assert module.split(".")[1] in allowed, f"{name(path)} may not import {module}"


def test_flax_only_in_nets():
    assert [name(p) for p in FILES if any(m.split(".")[0] == "flax" for m in imports(p)) if room(p) != "nets"] == []


def test_tensorflow_only_on_the_host():
    owners = [name(p) for p in FILES if any(m.split(".")[0].startswith("tensorflow") for m in imports(p))]
    exports = {"exporting/saved_model.py", "exporting/readers/graphs.py"}
    assert [n for n in owners if not n.startswith("data/") and n not in HOST_VIEWS | exports] == []


def test_jax_stays_out_of_data_and_host_views():
    def uses_jax(path):
        return any(m.split(".")[0] == "jax" for m in imports(path))

    data = [name(p) for p in FILES if room(p) == "data" and uses_jax(p)]
    assert data == ["data/device.py"]
    assert [n for n in HOST_VIEWS if (ROOT / n).exists() and uses_jax(ROOT / n)] == []


def test_devices_only_in_shard():
    words = re.compile(r"jax\.sharding|shard_map|axis_name|lax\.p(sum|mean|max|min)\b|all_gather|PartitionSpec")
    assert [name(p) for p in FILES if words.search(p.read_text()) and room(p) != "shard"] == []


def test_no_global_randomness():
    words = re.compile(r"np\.random\.|numpy\.random|tf\.random\.set_seed|random\.seed\(")
    assert [name(p) for p in FILES if words.search(p.read_text())] == []


def test_imports_are_at_the_top():
    def inner(path):
        tree = ast.parse(path.read_text())
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        return any(isinstance(n, ast.Import | ast.ImportFrom) for f in functions for n in ast.walk(f))

    assert [name(p) for p in FILES if inner(p) and p.parent != READERS] == []


def test_configs_stop_at_the_door():
    owners = {"recipes", "build", "api", "__init__"}
    assert [name(p) for p in FILES if "ml_collections" in p.read_text() and room(p) not in owners] == []


def own_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring and the functions inside it, which count for themselves."""
    inner = [n for n in ast.walk(function) if isinstance(n, ast.FunctionDef) and n is not function]
    outermost = [n for n in inner if not any(n in ast.walk(m) for m in inner if m is not n)]
    doc = ast.get_docstring(function)
    without = sum(n.end_lineno - n.lineno + 1 for n in outermost)
    return function.end_lineno - function.lineno + 1 - without - (len(doc.splitlines()) if doc else 0)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_and_functions_fit_the_eye(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert own_lines(node) <= 40, f"{name(path)}: {node.name} has {own_lines(node)} lines"
