"""Who may import whom, and which words belong to which room. The table is docs/architecture.md's, section Rooms."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "ssl_jax"
EVERYTHING = {"*"}
MAY_IMPORT = {
    "types": set(),
    "checks": {"checks"},
    "storage": {"storage", "types"},
    "process": {"process", "storage"},
    "losses": {"losses", "types"},
    "state": {"losses", "state", "types"},
    "tasks": {"losses", "tasks", "types", "views.color_spaces"},
    "criteria": {"checks", "criteria", "losses", "monitors", "state", "types"},
    "paradigms": {"criteria", "losses", "monitors", "paradigms", "state", "tasks", "types"},
    "probes": {"checks", "config.durations", "optim", "probes", "types"},
    "passes": {"checks", "config.durations", "losses", "passes", "state", "tasks", "types"},
    "methods": {"checks", "criteria", "losses", "paradigms", "passes", "state", "tasks", "types"},
    "nets": {"checks", "nets", "types", "views.color_spaces"},
    "views": {"checks", "types", "views"},
    "data": {"checks", "data", "process", "storage", "types", "views"},
    "optim": {"checks", "config.durations", "optim", "types"},
    "shard": {"checks", "process", "shard", "step", "types"},
    "step": {"optim", "types"},
    "evals": {"checks", "evals", "types"},
    "__init__": EVERYTHING,
    "__main__": {"cli"},
    "api": EVERYTHING,
    "choosing": EVERYTHING,
    "cli": EVERYTHING,
    "config.build": EVERYTHING,
    "config.catalog": {"checks", "config.recipes", "config.registry", "types"},
    "config.dry_run": {"checks", "data", "run.job", "step", "types", "views"},
    "config.durations": set(),
    "config.notices": {"config.durations", "monitors", "optim", "types", "views"},
    "config.recipes": {"checks"},
    "config.registry": {"checks"},
    "config.schema": {"checks", "config.recipes", "config.registry", "optim", "run.health", "types", "views"},
    "exporting": {
        "__version__",
        "api",
        "checks",
        "data",
        "exporting",
        "features",
        "loop",
        "nets",
        "process",
        "run.resuming",
        "storage",
        "types",
        "views",
    },
    "features": EVERYTHING,
    "launching": {"launching", "process", "shard"},
    "loop": {
        "config.durations",
        "data",
        "process",
        "reporting",
        "run.health",
        "run.interval",
        "run.job",
        "run.passing",
        "shard",
        "step",
        "storage",
        "types",
    },
    "monitors": {"losses", "types"},
    "planning": EVERYTHING,
    "run.reconstruction": {
        "config.dry_run",
        "data",
        "losses",
        "passes",
        "run.evaluation",
        "run.job",
        "run.protocols",
        "shard",
        "types",
    },
    "run.regressing": {"data", "evals", "run.job"},
    "reporting": {
        "data",
        "evals",
        "probes",
        "process",
        "run.regressing",
        "reporting",
        "run.classifying",
        "run.evaluation",
        "run.fine_tuning",
        "run.history",
        "run.job",
        "run.label_free",
        "run.matching",
        "run.protocols",
        "run.multilabel",
        "run.transfer",
        "shard",
        "step",
        "storage",
        "types",
        "views",
    },
    "reporting.trackers": {"config.recipes", "checks", "storage"},
    "run.baselines": {
        "evals",
        "config.recipes",
        "process",
        "run.evaluation",
        "run.identity",
        "run.interval",
        "run.job",
        "shard",
        "storage",
    },
    "run.classifying": {"config.dry_run", "evals", "run.evaluation", "run.job", "shard", "types"},
    "run.dense": {
        "config.dry_run",
        "data",
        "evals",
        "paradigms.encode",
        "run.evaluation",
        "run.job",
        "run.protocols",
        "shard",
        "tasks",
        "types",
    },
    "run.evaluation": {
        "data",
        "evals",
        "run.regressing",
        "run.job",
        "run.matching",
        "run.protocols",
        "shard",
        "types",
    },
    "run.fine_tuning": {"nets", "probes", "run.grid"},
    "run.frames": {
        "data",
        "evals",
        "run.evaluation",
        "run.job",
        "run.protocols",
        "run.robustness",
        "shard",
        "types",
    },
    "run.health": {"process", "types"},
    "run.history": {"monitors", "run.evaluation", "run.job", "shard", "types"},
    "run.identity": {"config.recipes", "run.job"},
    "run.interval": {"monitors", "paradigms.probe", "run.evaluation", "run.job", "shard", "types"},
    "run.job": {"config.durations", "data", "run.health", "storage", "types"},
    "run.label_free": {"data", "evals", "losses", "monitors", "run.evaluation", "run.job", "shard", "types"},
    "run.matching": {"evals", "run.job", "types"},
    "run.multilabel": {"data", "evals", "run.evaluation", "run.job", "run.protocols", "shard", "types"},
    "run.passing": {"config.durations", "data", "run.job", "shard", "types"},
    "run.probing": {
        "config.durations",
        "data",
        "exporting",
        "features",
        "probes",
        "reporting",
        "run.evaluation",
        "run.job",
        "shard",
        "types",
        "views",
    },
    "run.protocols": {"evals", "probes", "run.fine_tuning"},
    "run.resuming": {
        "config.build",
        "config.durations",
        "config.recipes",
        "config.schema",
        "reporting",
        "run.job",
        "storage",
        "views",
    },
    "run.robustness": {
        "data",
        "evals",
        "reporting",
        "run.evaluation",
        "run.job",
        "run.protocols",
        "shard",
        "types",
        "views",
    },
    "run.transfer": {
        "checks",
        "data",
        "run.evaluation",
        "run.fine_tuning",
        "run.job",
        "run.multilabel",
        "run.protocols",
        "run.zero_shot",
        "shard",
        "types",
    },
    "run.starting": {"exporting", "features", "reporting", "run.job", "run.resuming", "shard", "storage", "types"},
    "run.tuning": {
        "data",
        "exporting",
        "features",
        "process",
        "run.classifying",
        "run.fine_tuning",
        "run.grid",
        "run.job",
        "run.probing",
        "shard",
        "storage",
        "types",
    },
    "run.zero_shot": {
        "data",
        "evals",
        "run.evaluation",
        "run.job",
        "run.matching",
        "run.protocols",
        "shard",
        "types",
        "views",
    },
}
HOST_VIEWS = {
    "arrays",
    "clips",
    "compose_host",
    "decoding",
    "geometric",
    "jigsaw",
    "photometric_host",
    "places",
    "points",
    "series",
    "texts",
}
HOST_VIEWS = {f"views/{name}.py" for name in HOST_VIEWS}
"""The files of views/ that work on the host, in tensorflow."""

READERS = ROOT / "exporting" / "readers"
"""Scripts that another Python runs, which need not have this library."""

FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    """The folder, or the module of those that lie in none."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def allowed(path: Path) -> set[str]:
    """What a file may import: its own entry, else its room's. "room" is all of that room, "room.module" one file."""
    own = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return MAY_IMPORT.get(own, MAY_IMPORT.get(room(path), set()))


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
    for module in imports(path):
        if module.startswith("ssl_jax.") and allowed(path) is not EVERYTHING:
            places = {".".join(module.split(".")[1:n]) for n in (2, 3)}
            assert places & allowed(path), f"{name(path)} may not import {module}"


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


def test_files_of_tests_have_names_of_their_own():
    """Where a folder is no package pytest knows a file by its name alone."""
    tests = [path for path in ROOT.parent.glob("tests/**/test_*.py") if not (path.parent / "__init__.py").exists()]
    names = [path.name for path in tests]
    assert sorted(n for n in set(names) if names.count(n) > 1) == []


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
    owners = {"config", "api", "__init__"}
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
