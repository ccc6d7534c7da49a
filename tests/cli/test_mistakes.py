"""What a newcomer gets wrong on the command line: one sentence, exit code 2, nothing left behind. In one process."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from ssl_jax.cli.main import main

TRAIN = ("train", "--config=quickstart", "--workdir=W", "--config.batch=8", "--config.duration=2 steps")
DINO = "--config=dino_cifar10|--config.data.train=embedded:fashion_mnist/test|--config.data.test="
MAE = (
    "--config=mae_cifar10|--config.data.train=embedded:fashion_mnist/test|--config.data.test="
    "|--config.views.0.ops.2.args.mean=(0.5,)|--config.views.0.ops.2.args.std=(0.5,)"
)
FILES = {
    "syntax.py": 'def get_config():\n    return {"a" 1}\n',
    "importing.py": "import nowhere_at_all\n",
    "key.py": 'def get_config():\n    c = {}\n    return c["x"]\n',
    "leaving.py": "import sys\nsys.exit(0)\n",
    "nothing.py": "def get_config():\n    c = {}\n",
    "number.py": "def get_config():\n    return 5\n",
    "bad.json": "{nope",
    "file": "here first",
}
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
        "--config=moco_v2_cifar10|--config.data.train=folder:color|--config.data.test=|--config.probe=False"
        "|--config.method.queue=100",
        "the queue's 100 rows are no multiple of the 8 rows written at each step",
    ),
    (f"{DINO}", "config.views.0.ops.6.args.mean is of 3 channels and the images of embedded:fashion_mnist/test have 1"),
    (
        "--config.views.0.ops.2.args.hue=0.1",
        "color_jitter with saturation or hue needs 3 channels, and",
    ),
    ("--config.lr=-0.1", "config.lr: a schedule is -0.1; it must be 0 or more"),
    ("--config.optimizer.weight_decay=-1", "config.optimizer: weight_decay is -1.0; it must be 0 or more"),
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
    (
        "--config.method.name=supcon|--config.data.train=folder:flat|--config.data.test=|--config.probe=False",
        "folder:flat has no labels, and supcon learns from them; take data with labels, or simclr",
    ),
    (
        "--config.data.train=folder:one|--config.data.test=",
        "folder:one has one class, and the online probe needs two or more; set config.probe=False",
    ),
    ("--config.data.train=mix:folder:flat", "mix:folder:flat: each part of a mix is WEIGHT*SOURCE with + between them"),
    ("--config.data.train=mix:-1*folder:flat", "the weight of folder:flat is -1; it must be a number above 0"),
    (
        "--config.data.train=mix:1*folder:flat+1*folder:color",
        "folder:color has 3 channels of 8 bits and folder:flat",
    ),
    ("--config.data.train=zip:file", "zip:file: file is no zip file, or ends early"),
    ("--config.data.train=parquet:file", "parquet:file: file is no Parquet file, or ends early"),
    ("--config.data.train=hf:flat", "hf:flat holds neither what save_to_disk writes (state.json) nor Parquet files"),
    ("--config.data.train=csv:file", "csv:file: there are no lines below the first, which names the columns"),
    ("--config.data.train=folder:flat?list=nope.txt", "folder:flat?list=nope.txt: there is no list nope.txt"),
    ("--config.data.train=folder:empty", "folder:empty: no images there"),
    ("--config.data.train=folder:flap", "folder:flap: no 'flap' in .; did you mean flat?"),
    ("--config.views.0.size=64|--config.views.0.ops=({'name': 'center_crop'},)", "center_crop of 64 pixels is larger"),
    ("--workdir=", "the work directory '' is no directory; name one, which may be new"),
    ("--workdir=file", "the work directory 'file' is no directory; name one, which may be new"),
    ("--workdir=file/W", "file/W: Not a directory"),
    ("--config=quickstart:50", "the recipe 'quickstart' has no variants: leave out ':50'"),
    ("--config=bad.json", "the recipe file 'bad.json' is no JSON"),
    ("--config=syntax.py", "the recipe file 'syntax.py' is no Python (line 2: "),
    ("--config=importing.py", "'importing.py' fails in line 1 (ModuleNotFoundError: No module named 'nowhere_at_all')"),
    ("--config=key.py", "the recipe file 'key.py' fails in line 3 (KeyError: 'x')"),
    ("--config=leaving.py", "the recipe file 'leaving.py' fails in line 2 (SystemExit: 0)"),
    ("--config=nothing.py", "get_config() of the recipe file 'nothing.py' returns nothing: end it with `return c`"),
    ("--config=number.py", "get_config() of the recipe file 'number.py' returns a int, not a ConfigDict"),
    (MAE, "the decoder predicts 48 values a patch and the target has 16: give nets.decoder patch=4 and channels=1"),
    (
        f"{MAE}|--config.nets.decoder.channels=1|--config.nets.decoder.patch=8",
        "give nets.decoder patch=4 and channels=1",
    ),
    ("--config.batch=1", "this loss needs at least 2 examples in a batch, got 1; raise the batch size"),
    ("--config.views.0.count=1", "this loss compares at least 2 views of an image, got 1"),
    ("--config.views.0.group=other", "the method wants views of group 'global'"),
    ("--config.views.0.size=99999", "config.views.0.size: a view of group 'global' has size 99999"),
    (
        "--config.views.0.ops.0.args.scale=(0.3,)",
        "config.views.0.ops.0.args.scale is (0.3,), which has 1 parts; it takes 2",
    ),
    (
        "--config.views.0.ops.0.args.scale=(0.3, 1.5)",
        "args.scale is (0.3, 1.5); it must be two rising shares of the area",
    ),
    ("--config.views.0.ops.0.args.scale=(1.0, 'a')", "config.views.0.ops.0.args.scale.1 is 'a', a str; it takes float"),
    (
        "--config.views.0.ops.0.args.method=bicubi",
        "config.views.0.ops.0.args.method is 'bicubi'; it must be bilinear or",
    ),
    ("--config.views.0.ops.2.args.brightness=loud", "args.brightness is 'loud', a str; it takes float, such as 0.0"),
    (
        "--config.views.0.ops.2.args.brightness=-1",
        "config.views.0.ops.2.args.brightness is -1.0; it must be an amount from",
    ),
    ("--config.views.0.ops.2.args.hue=0.7", "config.views.0.ops.2.args.hue is 0.7; it must be a part of the circle"),
    ("--config.views.0.ops.3.args.std=(0.0,)", "config.views.0.ops.3.args.std is (0.0,); it must be a number above 0"),
    ("--config.views.0.ops.3.args.mean=(73.0,)", "mean is (73.0,); it must be a number from 0 to 1 for each channel"),
    ("--config.views.0.ops.3.args.mean=0.3", "config.views.0.ops.3.args.mean is 0.3, a float; it takes tuple"),
    (
        "--config.views.0.ops.3.args.mean=(1e999,)",
        "config.views.0.ops.3.args.mean.0 is inf; it must be a finite number",
    ),
    (
        "--config.data.train=folder:photos|--config.data.test=|--config.probe=False",
        '"--config.views.0.ops.3.args.mean=(0.485, 0.456, 0.406)"',
    ),
    ("--config.clean=()", "config.clean: there are no views"),
    ("--config.clean.0.count=2", "config.clean has the views 2 of group 'clean'; evaluation takes one"),
    ("--config.nets.projector.widths=(8, 'a')", "config.nets.projector.widths.1 is 'a', a str; it takes int"),
    ("--config.nets.encoder.depth=()", "config.nets.encoder: depth has 0 stages"),
    (
        "--config.nets.encoder.depth=(1, 10**9)",
        "config.nets.encoder.depth is '(1, 10**9)', a str; it takes int or tuple",
    ),
    ("--config.nets.encoder.depth=(1, 1000000000)", "config.nets.encoder: depth 2 is 1000000000; it must be at most"),
    ("--config.nets.encoder.base=1000000000000", "config.nets.encoder: base is 1000000000000; it must be at most"),
    ("--config.method.temperature=1e999", "config.method.temperature is inf; it must be a finite number"),
    ("--config.method.name=math:sqrt", "in config.method; there are x"),
    (
        "--config.optimizer.weight_decay=1e-4x",
        "config.optimizer.weight_decay is '1e-4x', a str; it takes dict or float",
    ),
    ("--config.optimizer.b1=1.0", "config.optimizer: b1 is 1.0; it must lie between 0 and 1, and below 1"),
    ("--config.optimizer.eps=0", "config.optimizer: eps is 0.0; it must be above 0"),
    ("--config.optimizer.groups=5", "config.optimizer.groups is 5, a int; it takes tuple"),
    ("--config.optimizer.groups=(5,)", "config.optimizer.groups.0 is 5, a int; it takes dict"),
    ("--config.optimizer.groups=({'lr': 1},)", "config.optimizer.groups.0 has no `match`"),
    ("--config.optimizer.groups=({'match': '['},)", "'[' is no regular expression: unterminated character set"),
    ("--config.optimizer.groups=({'match': 'x', 'lr': 'fast'},)", "config.optimizer.groups.0.lr is 'fast', a str"),
    (
        "--config.optimizer.groups=({'match': 'x', 'mutliple': 2},)",
        "in config.optimizer.groups.0; did you mean multiple?",
    ),
    (
        "--config.optimizer.groups=({'match': 'x', 'multiple': -1.0},)",
        "the multiple of group 'x' is -1.0; it must be 0 or",
    ),
    ("--config.optimizer.groups=({'match': 'nothing'},)", "config.optimizer: a group fits no parameter: no 'nothing'"),
    ("--config.lr={'kind': 'cosine', 'peak': 1.0, 'warmup': 'soon'}", "config.lr: 'soon' is no duration; write"),
    (
        "--config.lr={'kind': 'cosine', 'peak': 1.0, 'warmup': None}",
        "a schedule's 'warmup' is None, a NoneType; it takes",
    ),
    ("--config.lr.peak=1e999", "config.lr.peak is inf; it must be a finite number"),
    ("--config.lr.peak=1e99", "config.lr.peak is larger than a run can hold, 1e+99"),
    ("--config.duration=1e12 steps", '"1e12 steps" is more than 2147483647 steps, which no run can count'),
    ("--config.duration=1e999999999 steps", "'1e999999999 steps' is no duration; write"),
    ("--config.mesh.data=0", "config.mesh.data is 0; it must be 1 or more, or -1 for all devices"),
    ("--config.mesh.fsdp=0", "config.mesh.fsdp is 0; it must be 1 or more"),
    ("--config.processes.agree=-5", "config.processes.agree is -5.0; it must be a number of seconds from 1 to"),
    ("--config.checkpoint.keep_every=often", "config.checkpoint.keep_every: 'often' is no duration"),
    ("--config.evaluation={'batch': {1: 2}}", "config.evaluation.batch has the key 1; keys are texts"),
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
    (tmp_path / "one" / "a").mkdir(parents=True)
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(tmp_path / "one" / "a" / "0.png")
    (tmp_path / "color").mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "color" / "0.png")
    (tmp_path / "photos").mkdir()
    for i in range(9):
        Image.fromarray(np.full((30, 30, 3), 9 * i, np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_photos_train_with_the_flags_that_the_complaint_names(place, capsys):
    own = (*TRAIN, "--config.data.train=folder:photos", "--config.data.test=", "--config.probe=False")
    small = ("--config.nets.encoder.base=4", "--config.evaluation.every=never")
    flags = re.findall(r'"(--config\.[^"]*)"', complaint((*own, *small), capsys))
    assert len(flags) == 2
    assert main([*own, *small, *flags]) == 0
    kept = json.loads((place / "W" / "config.json").read_text())
    normalize = kept["views"][0]["ops"][3]["args"]
    assert kept["clean"][0]["ops"][-1]["args"] == normalize and len(normalize["mean"]) == 3


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
