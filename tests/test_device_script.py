"""benchmarks/device.sh: what failed and what was left out is said, and its parts run with tiny sizes on a CPU."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPT = importlib.util.spec_from_file_location("device_script", BENCHMARKS / "device.py")
device = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(device)


def row(batch: int, speed: float, **more) -> dict:
    return {"batch": batch, "images_per_second": speed, **more}


def test_a_failure_and_what_was_left_out_are_said(tmp_path, capsys):
    (tmp_path / "parts").write_text(
        "machine\t0\t1\nresnet50\t0\t9\ntorch_resnet50\t0\t9\ncompiled_resnet50\t124\t9\nlaws\t1\t3\n"
        "quickstart\tleft out: no tensorflow\t0\n"
    )
    (tmp_path / "machine.json").write_text(json.dumps({"device": "X"}))
    ours = [row(4, 30.0, views="scaled"), row(8, 90.0, views="augmented"), {"batch": 16, "views": "scaled"}]
    (tmp_path / "resnet50.json").write_text(json.dumps({"rows": ours}))
    for kind, speed in (("torch", 20.0), ("compiled", 25.0)):
        rows = [row(4, speed, compiled=kind == "compiled"), {"batch": 16, "failed": "out of memory", "compiled": False}]
        (tmp_path / f"{kind}_resnet50.json").write_text(json.dumps({"rows": rows}))
    (tmp_path / "laws.log").write_text("[gw0] [ 50%] PASSED tests/laws/a.py::b[c] \n[gw1] FAILED tests/laws/a.py::d \n")
    assert device.main("join", str(tmp_path), str(tmp_path / "out.json")) == 1
    found, said = json.loads((tmp_path / "out.json").read_text()), capsys.readouterr().out
    assert found["ratios_to_torch"]["resnet50, batch 4"]["ratio"] == pytest.approx(1.2)  # of torch's better one
    assert len(found["ratios_to_torch"]) == 1
    assert found["parts"]["laws"]["passed"] == 1 and found["parts"]["laws"]["failures"] == ["tests/laws/a.py::d"]
    assert "left out: quickstart, no tensorflow" in said
    assert "FAILED: laws, exit code 1" in said and "FAILED: compiled_resnet50, its time was over" in said


def test_nothing_at_all_is_a_failure(tmp_path):
    assert device.main("join", str(tmp_path), str(tmp_path / "out.json")) == 1


def test_pytest_says_it_in_two_ways():
    log = "tests/a.py::b[x-1] PASSED  [ 50%]\ntests/a.py::c FAILED\n[gw3] [ 9%] SKIPPED tests/a.py::d \n"
    assert device.tests(log) == {
        "passed": 1,
        "failures": ["tests/a.py::c"],
        "errors": [],
        "skipped": ["tests/a.py::d"],
    }


@pytest.mark.slow
def test_the_parts_run_on_a_cpu(tmp_path):
    out = tmp_path / "device.json"
    environment = {**os.environ, "PYTHON": sys.executable, "SIZES": "tiny", "PARTS": "machine resnet50 vit_b_16"}
    done = subprocess.run([BENCHMARKS / "device.sh", out], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    parts = json.loads(out.read_text())["parts"]
    for name in ("resnet50", "vit_b_16"):
        assert [one["views"] for one in parts[name]["rows"]] == ["scaled", "augmented"]
        assert all(one["donated"] and one["images_per_second"] > 0 for one in parts[name]["rows"])
