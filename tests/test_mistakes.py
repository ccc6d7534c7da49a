"""What a newcomer gets wrong on the command line: one sentence, exit code 2, nothing left behind. In one process."""

import numpy as np
import pytest
from PIL import Image

from ssl_jax.main import main

TRAIN = ("train", "--config=quickstart", "--workdir=W", "--config.batch=8", "--config.duration=2 steps")
DINO = "--config=dino_cifar10|--config.data.train=embedded:fashion_mnist/test|--config.data.test="
TEXTS = (
    ("--confg=quickstart", "unrecognized arguments: --confg=quickstart"),
    ("--batch=3", "unrecognized arguments: --batch=3"),
    ("--config.batch", "--config.batch has no value: write --config.KEY=VALUE"),
    ("--config.method.temprature=1", "no 'temprature' in config.method; did you mean temperature?"),
    ("--config.batch=many", "config.batch is 'many', a str; it takes int"),
    ("--config.batch=-4", "examples in a batch is -4; it must be 1 or more"),
    ("--config.batch=0", "examples in a batch is 0; it must be 1 or more"),
    ("--config.seed=lucky", "config.seed is 'lucky', a str; it takes int"),
    ("--config.chunks=3", "config.chunks is 3; a batch of 8 needs one of its divisors"),
    ("--config.chunks=2", "2 chunks would cut the statistics of batch norm over 1 groups of the batch"),
    ("--config.seed=-1", "config.seed is -1; it must be a whole number from 0"),
    ("--config.duration=abc", "'abc' is no duration; write"),
    ("--config.log.every=often", "config.log.every: 'often' is no duration; write"),
    ("--config.checkpoint.every=0 steps", 'config.checkpoint.every: "0 steps" as a period is no step at all'),
    ("--config.checkpoint.keep=0", "config.checkpoint.keep is 0; it must be 1 or more"),
    ("--config.evaluation.examples=0", "config.evaluation.examples is 0; it must be 1 or more"),
    ("--config.method.temperature=0", "config.method: temperature is 0.0; it must be above 0"),
    ("--config.method.temperature=-1", "config.method: temperature is -1.0; it must be above 0"),
    (f"{DINO}|--config.method.teacher_temperature=0", "config.method.teacher_temperature: temperature is 0.0"),
    (f"{DINO}|--config.method.ema_decay=1.5", "config.method.ema_decay: decay is 1.5; it must lie between 0 and 1"),
    (
        "--config=moco_v2_cifar10|--config.data.train=folder:colour|--config.data.test=|--config.probe=False"
        "|--config.method.queue=100",
        "the queue's 100 rows are no multiple of the 8 rows written at each step",
    ),
    (f"{DINO}", "is read with 1 channels, and normalise is for 3: write --config.data.channels=3"),
    ("--config.lr=-0.1", "config.lr: a schedule is -0.1; it must be 0 or more"),
    ("--config.optimizer.weight_decay=-1", "config.optimizer: weight_decay is -1; it must be 0 or more"),
    ("--config.optimizer.b1=2.0", "config.optimizer: b1 is 2.0; it must lie between 0 and 1"),
    ("--config.nets.encoder=5", "nets.encoder has no name, such as 'resnet'"),
    ("--config.nets.encoder.base=0", "config.nets.encoder: base is 0; it must be above 0"),
    ("--config.nets.projector.widths=(0, 8)", "config.nets.projector: width 1 is 0; it must be above 0"),
    ("--config.views=(3,)", "a view is 3; it must be dict(group="),
    ("--config.views=()", "there are no views"),
    ("--config.views.0.ops=3", "'ops': 3}; it must be dict(group="),
    ("--config.views.0.ops=(3,)", "an operation of a view is 3; it must be dict(name="),
    ("--config.photometric=hots", "photometric is 'hots'; it must be 'device' or 'host'"),
    ("--config.mesh.data=3", "does not cover the"),
    ("--config.data.dir=/nope|--config.data.train=tfds:cifar10", "tfds:cifar10/train is not prepared in /nope/cifar10"),
    ("--config.data.train=folder:flat", "no labels for the online probe to learn from; set config.probe=False"),
    ("--config.data.train=folder:empty", "folder:empty: no images there"),
    ("--config.data.train=folder:flap", "folder:flap: no 'flap' in .; did you mean flat?"),
    ("--config.views.0.size=64|--config.views.0.ops=({'name': 'centre_crop'},)", "centre_crop of 64 pixels is larger"),
    ("--workdir=", "the work directory '' is no directory; name one, which may be new"),
    ("--workdir=file", "the work directory 'file' is no directory; name one, which may be new"),
    ("--workdir=file/W", "file/W: Not a directory"),
    ("--config=quickstart:50", "the recipe 'quickstart' has no variants: leave out ':50'"),
    ("--config=bad.json", "the recipe file 'bad.json' is no JSON"),
)
"""Flags after those of TRAIN, with | between them, and what is said."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with things to stumble over."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "flat").mkdir()
    for i in range(9):
        Image.fromarray(np.full((30, 30), i, np.uint8)).save(tmp_path / "flat" / f"{i}.png")
    (tmp_path / "colour").mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "colour" / "0.png")
    (tmp_path / "file").write_text("here first")
    (tmp_path / "bad.json").write_text("{nope")
    return tmp_path


def complaint(arguments: tuple[str, ...], capsys) -> str:
    """What the command says on stderr, having checked that it ends with code 2."""
    try:
        code = main(list(arguments))
    except SystemExit as end:  # argparse's way
        code = end.code
    assert code == 2
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize("flags, said", TEXTS, ids=[flags for flags, _ in TEXTS])
def test_a_mistake_in_training_is_one_sentence(place, capsys, flags, said):
    before = sorted(place.rglob("*"))
    words = complaint((*TRAIN, *flags.split("|")), capsys)
    assert said in words
    assert "\n" not in words or "usage:" in words
    assert sorted(place.rglob("*")) == before, "something was written"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("methods", "--config.batch=3"), "unrecognized arguments: --config.batch=3"),
        (("data", "chekc", "embedded:fashion_mnist"), "invalid choice: 'chekc'"),
        (("data", "check", "embedded:mnist"), "no 'mnist' in the embedded datasets; did you mean fashion_mnist?"),
        (("data", "check", "folder:empty"), "folder:empty: no images there"),
        (("data", "convert", "embedded:fashion_mnist"), "--to=None is no target; write --to=arrayrecord:FOLDER"),
        (("data", "convert", "embedded:fashion_mnist", "--to=arrayrecord:file"), "file"),
        (("data", "convert", "embedded:fashion_mnist", "--to=arrayrecord:W", "--short-side=0"), "positive number"),
        (("evaluate", "--workdir=empty"), "empty is not the work directory of a run: it has no config.json"),
        (("evaluate", "--workdir=empty", "--step=last"), "invalid int value: 'last'"),
        (("--confg=quickstart",), "no '--confg=quickstart' in ssl-jax's verbs"),
    ],
)
def test_a_mistake_with_the_other_verbs_is_one_sentence(place, capsys, arguments, said):
    before = sorted(place.rglob("*"))
    words = complaint(arguments, capsys)
    assert said in words and "Traceback" not in words
    assert sorted(place.rglob("*")) == before, "something was written"


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_names_every_verb(capsys, arguments):
    assert main(list(arguments)) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in ("train", "evaluate", "data", "methods"))
