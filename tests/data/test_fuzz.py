"""No file ends the process that decodes it, and none hangs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutated_files_are_decoded_or_refused(count):
    command = [sys.executable, "-m", "tests.data.fuzz", str(count)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=ROOT)
    assert child.returncode == 0, child.stderr[-2000:]
    for kind, row in json.loads(child.stdout.splitlines()[-1]).items():
        assert row["files"] == count == row["readable"] + row["unreadable"], kind
        few = 30 if kind == "AVIF" else 10  # whose files hardly survive a mutation
        assert row["unreadable"] > count / 10 and row["readable"] > count / few, kind
        assert row["slowest_seconds"] < 60, kind
