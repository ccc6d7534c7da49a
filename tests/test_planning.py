"""Plans: the arithmetic on what a compiler found, and the real compiler where it is installed."""

import importlib.util
import json
import os
import subprocess
import sys

import jax
import pytest
from rich.console import Console

from ssl_jax import planning
from ssl_jax.cli.verbs import plan
from ssl_jax.config import recipes, schema
from ssl_jax.shard import chips

COMPILER = "TPU_LIBRARY_PATH" in os.environ or importlib.util.find_spec("libtpu") is not None
NEEDS = pytest.mark.skipif(not COMPILER, reason="libtpu is not installed: pip install 'ssl_jax[plan]'")


def recipe(name="quickstart", **changes):
    return schema.resolve(recipes.override(schema.resolve(recipes.load(name)), changes))


def test_the_step_is_as_slow_as_what_binds_it():
    slice_ = chips.topology("v5e-4")
    found = {
        "flops": 4 * 197e12,
        "bytes_accessed": 819e9 / 2,
        "collectives": {"all-reduce": {"count": 1, "bytes": 4e9}},
    }
    row = planning.costs(recipe(), slice_, (10000, 10, 1), found, 0.5)
    assert row["bounds"] == pytest.approx({"compute": 1.0, "memory": 0.5, "links": 0.01})
    assert row["binds"] == "compute" and row["steps"] == 1000
    assert row["hours"] == pytest.approx(1000 * 2.0 / 3600)  # at half of the peak
    assert row["chip_hours"] == pytest.approx(4 * row["hours"])
    moved = planning.costs(recipe(), slice_, (10000, 10, 1), {**found, "bytes_moved": 819e9 / 4}, 0.5)
    assert moved["bounds"]["memory"] == pytest.approx(0.25), "where it is known what the large memory gives and takes"
    assert row["epoch_seconds"] == pytest.approx(10000 / 128 * 2.0)


def test_a_dataset_that_is_not_there_has_a_known_size_or_must_be_told(monkeypatch):
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    assert planning.dataset(dict(train="tfds:imagenet2012/train", dir="/not/there")) == (1281167, 1000, 3)
    with pytest.raises(ValueError, match="--examples=N"):
        planning.dataset(dict(train="folder:/not/there", dir=""))


def test_gpus_get_the_analytic_part_only():
    (row,) = planning.plan(recipe(), ["h100-8"])
    assert not row["compiled"] and "fits" not in row and "peak" not in row
    assert row["flops"] > 1e10 and row["state_bytes"] > 1e6 and row["binds"] == "compute"


def test_the_table_is_whole_in_eighty_columns():
    (row,) = planning.plan(recipe(), ["h100-8"])
    wide = row | dict(topology="tpu7x:2x2x1", peak=170 * 2**30, memory=192 * 2**30, largest_batch=109816, flops=202e12)
    wide |= dict(bounds={"interconnect": 1.2627}, binds="interconnect", hours=123.9, chip_hours=1396)
    console = Console(width=80, record=True)
    console.print(plan.table("simclr_imagenet_r50", [row, wide]))
    lines = console.export_text().splitlines()
    assert any(line.split()[:3] == ["topology", "fits", "GiB"] and line.endswith("chip-hours ") for line in lines)
    values = "tpu7x:2x2x1 ? 170.0 192 109816 202.0 1262.7 interconnect 123.9 1396"
    assert [line.split() for line in lines if line.startswith(" tpu7x")] == [values.split()]


@pytest.mark.parametrize(
    "room, tries, found",
    [
        (lambda batch: 100 * 2**20 + 2**20 * batch, 2, 924),  # a line, as most are
        (lambda batch: 2**20 * batch, 2, 1024),
        (lambda batch: 2**20 * batch * (1 if batch < 600 else 2), 4, 512),  # the line says 1024, then 768, then 640
        (lambda batch: 2**20 * batch * (1 if batch < 300 else 100), 2, 258),
        (lambda batch: 2**20 * (1000 if batch <= 256 else 9000), 1, 256),  # nothing beyond it is to be hoped for
        (lambda batch: 2**40, 1, 0),
    ],
)
def test_the_largest_batch_is_one_that_was_compiled(room, tries, found, monkeypatch):
    """The compiler is replaced by a function of the batch, in a chip of one GiB."""
    limit, compiled = 2**30, []

    def told(batch, devices):
        compiled.append(batch)
        return {"peak" if room(batch) <= limit else "needed": room(batch)}

    monkeypatch.setattr(planning, "program_of", lambda config, sizes, devices: config["batch"])
    monkeypatch.setattr(planning, "compiled", told)
    first = {"peak" if room(256) <= limit else "needed": room(256)}
    assert planning.largest({"batch": 256}, (), [None] * 2, first, limit) == found
    assert len(compiled) == tries and (found in (0, 256) or found in compiled)


class TooLarge:
    """A step for which the compiler finds no room. text: its words for one."""

    def __init__(self, text):
        self.text = text

    def compile(self):
        raise jax.errors.JaxRuntimeError(f"RESOURCE_EXHAUSTED: E1000: CompileTimeHbmOom: {self.text}")


@pytest.mark.parametrize(
    "text, needed",
    [
        ("Ran out of memory in memory space hbm. Used 34.65G of 15.75G hbm. Exceeded by 18.9G.", 34.65),
        ("Ran out of memory on HBM: 34.65G exceeds available HBM (15.75G)", 34.65),
        ("the total memory required for HLO temporaries (17.27G) exceeds available HBM (15.75G).", 17.27),
    ],
)
def test_a_step_that_does_not_fit_says_what_it_needs(text, needed):
    assert planning.told(TooLarge(text)) == {"needed": pytest.approx(needed * 2**30)}


def test_another_failure_of_the_compiler_is_no_lack_of_room():
    with pytest.raises(jax.errors.JaxRuntimeError, match="no such thing"):
        planning.told(TooLarge("no such thing"))


@pytest.mark.parametrize(
    "names, utilization, sentence", [(["v9-8"], 0.4, "no 'v9' in the chips"), (["h100-8"], 40, "no share of the peak")]
)
def test_bad_requests_are_one_sentence(names, utilization, sentence):
    with pytest.raises(ValueError, match=sentence):
        planning.plan(recipe(), names, utilization=utilization)


@NEEDS
@pytest.mark.slow
def test_the_quickstart_fits_a_small_slice_and_sends_what_its_mathematics_needs():
    command = [sys.executable, "-m", "ssl_jax", "plan", "--config=quickstart", "--topology=v5e-4", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    (row,) = json.loads(done.stdout)
    assert row["fits"] and row["peak"] < row["memory"] and row["largest_batch"] > row["batch"]
    assert row["compiler_flops"] * 4 == pytest.approx(row["flops"], rel=0.25)  # XLA leaves out taps on the padding
    # Embeddings are gathered, gradients and batch statistics reduced; nothing is sent from all to all.
    assert set(row["collectives"]) == {"all-gather", "all-reduce"}
