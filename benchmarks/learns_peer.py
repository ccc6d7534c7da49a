"""Do our methods learn as well as lightly's: the same images, views, network, steps and optimizer, probed alike.

    python -m venv PEER && PEER/bin/pip install lightly
    python -m benchmarks.learns_peer --peer=PEER/bin/python --dir=DIR [--methods=simclr,byol] [--seeds=3]
        [--teraflops=12] [--work=learns]

For each method its small CIFAR-10 recipe, as long as in `learns.py`, whose runs in `--work` are ours; and a run of
`learns_peer_torch.py`, which is given the recipe resolved to numbers: layers, the rate of each step, views. kNN and
the linear probe are ours on both sides. A row is written as soon as its last seed is there; runs that are finished in
`--work` are not run again. Seconds are those from the first batch to the last step, ours with the compiler's.
"""

import argparse
import hashlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import learns
from ssl_jax.config import build, durations, recipes, schema
from ssl_jax.data import stream
from ssl_jax.data.sources import Source
from ssl_jax.evals import suite
from ssl_jax.nets import resnet
from ssl_jax.optim import schedules
from ssl_jax.paradigms import encode
from ssl_jax.storage import files
from ssl_jax.types import Schedule, View
from ssl_jax.views import compose

OUT = Path(__file__).parent / "results" / "learns_peer.json"
SCRIPT = Path(__file__).with_name("learns_peer_torch.py")
SCORES, SIZES = learns.SCORES, learns.SIZES["cifar10"]
TRAINING = ("compile", "data wait", "step")
"""The parts of a run's time that the peer's seconds are compared with."""
NOTES = {
    "simclr": "",
    "byol": "The peer's loss is a quarter of ours, to which AdamW is blind.",
    "simsiam": "",
    "moco_v2": "The groups of batch norm are every eighth image on the peer's side, and neighbors on ours.",
    "barlow_twins": "",
    "vicreg": "The peer has no LARC with a clip: it is written out for it here.",
    "swav": "",
    "dino": "Small crops that shrink are filtered on the peer's side, and interpolated on ours.",
    "nnclr": "The peer's loss has the other images' neighbors among the negatives too, ours their predictions alone.",
    "dcl": "",
}
"""The methods that the peer's side knows, and what cannot be the same."""
FROZEN = {"prototypes$": "prototypes", "projector/last/": "projector.last_layer"}
"""Groups of the recipes' optimizers, and the names of their parameters in torch."""
OPTIMIZERS = ("adamw", "larc_clipped")
PLAIN = dict(clip_global=None, clip_each=None, layer_rate=None, decay_1d=False)
"""Options of optimizers that the peer's side has not, with the values that switch them off."""


def main() -> None:
    """Runs what is missing, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--teraflops", type=float, default=12.0, help="of a run")
    parser.add_argument("--work", default="learns", help="a folder for the runs")
    parser.add_argument("--out", type=Path, default=OUT, help="the rows, which are kept and added to")
    options, names = asked(parser)
    rows = learns.rows_in(options.out)
    for name in names:
        try:
            rows[name] = measured(name, options)
        except (subprocess.CalledProcessError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        files.write(options.out, json.dumps([rows[name] for name in sorted(rows)], indent=1) + "\n")
    shown = [rows[name] for name in sorted(rows)]
    notes = [f"{row['method']}: {row['note']}" for row in shown if row["note"]]
    Console(width=120).print(table(shown), *notes, sep="\n")


def asked(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[str]]:
    """(the options, with those of the peer added, the methods). Ends the process where they cannot be run."""
    parser.add_argument("--peer", required=True, help="a Python that has torch, torchvision and lightly")
    parser.add_argument("--dir", required=True, help="where tfds datasets lie")
    parser.add_argument("--methods", help="some, with commas between them; all that both have if left out")
    options = parser.parse_args()
    names = options.methods.split(",") if options.methods else list(NOTES)
    if unknown := [name for name in names if name not in NOTES]:
        parser.error(f"--methods: there is no {unknown[0]} on the peer's side, only {', '.join(NOTES)}")
    if lack := lacking(options.peer):
        parser.error(f"--peer={options.peer}: {lack}")
    return options, names


def lacking(peer: str) -> str:
    """Why a Python cannot be the peer's, or ""."""
    try:
        done = subprocess.run([peer, "-c", "import lightly, torchvision"], capture_output=True, text=True)
    except OSError as error:
        return f"it does not run ({error.strerror})"
    return "" if done.returncode == 0 else f"{done.stderr.strip().splitlines()[-1]}; {peer} -m pip install lightly"


def measured(name: str, options: argparse.Namespace) -> dict:
    """A method's row; ours and the peer's take turns."""
    recipe = f"{name}_cifar10"
    config = schema.resolve(recipes.load(recipe))
    config["data"]["dir"] = options.dir
    steps, ours, peer = learns.steps_of(config, SIZES, options.teraflops), [], []
    for seed in range(options.seeds):
        ours.append(json.loads((learns.trained(recipe, steps, seed, options) / "result.json").read_text()))
        peer.append(run(recipe, specification(config, steps, seed), config, options))
    sides = {
        "ours": {score: [each[score]["pretrained"] for each in ours] for score in SCORES},
        "peer": {score: [each[score] for each in peer] for score in SCORES},
    }
    sides["ours"]["seconds"] = [sum(each["goodput"][part] for part in TRAINING) for each in ours]
    sides["peer"]["seconds"] = [each["seconds"] for each in peer]
    return {
        "method": name,
        "steps": steps,
        "batch": config["batch"],
        "seeds": options.seeds,
        "config_hash": ours[0]["config_hash"],
        "commit": learns.commit(),
        "versions": peer[0]["versions"],
        **{side: {what: learns.spread(values) for what, values in found.items()} for side, found in sides.items()},
        "note": NOTES[name],
    }


def run(recipe: str, given: dict, config: dict, options: argparse.Namespace) -> dict:
    """The scores, seconds and versions of the peer's run, which is made unless it is there."""
    work = Path(options.work)
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:8]
    place = work / f"peer-{recipe}-{digest}-{given['seed']}"
    result, out = place / "result.json", place / "features.npz"
    if result.exists():
        return json.loads(result.read_text())
    place.mkdir(parents=True, exist_ok=True)
    images = pictures(config, work)
    if not out.exists():
        print(f"{recipe} of the peer, seed {given['seed']}: {given['steps']} steps", file=sys.stderr)
        files.write(place / "spec.json", json.dumps(given))
        subprocess.run([options.peer, SCRIPT, place / "spec.json", images, out], check=True)
    with np.load(out) as found, np.load(images) as known:
        rows = [(found[part], known[f"{part}_labels"]) for part in ("train", "test")]
        scores = suite.evaluate(jax.random.key(given["seed"]), *rows, classes=SIZES[1], which=SCORES)
        about = {"seconds": float(found["seconds"]), "loss": float(found["loss"])}
        about["versions"] = json.loads(str(found["versions"]))
    files.write(result, json.dumps({**{score: scores[score] for score in SCORES}, **about}, indent=1))
    return json.loads(result.read_text())


def pictures(config: dict, work: Path) -> Path:
    """The recipe's images and labels in a file, which is made unless it is there: uint8 [n, h, w, c], int32 [n]."""
    train, test, _ = build.opened(config["data"])
    path = work / f"images-{train.digest[:8]}-{test.digest[:8]}.npz"
    if not path.exists():
        host = build.preprocess(config["clean"], config["photometric"]).host
        found = {}
        for part, source in (("train", train), ("test", test)):
            found[part], found[f"{part}_labels"] = read(source, host)
        files.save(path, lambda file: np.savez(file, **found))
    return path


def read(source: Source, host) -> tuple[np.ndarray, np.ndarray]:
    """All images as evaluation sees them before they are normalized, and their labels."""
    parts = [
        (batch["clean"][batch["mask"], 0], batch["label"][batch["mask"]])
        for batch in stream.sequential(source, host, batch=500)
    ]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def specification(config: dict, steps: int, seed: int) -> dict:
    """What the peer's side is told: a resolved recipe as numbers. Raises ValueError for what it cannot do alike."""
    clock = build.clock_of({**config, "duration": f"{steps} steps"}, SIZES[0])

    def values(schedule: Schedule) -> list[float]:
        return np.asarray(jax.vmap(schedule)(jnp.arange(steps)), np.float64).tolist()

    parameters = inspect.signature(schema.method_of(config)).parameters
    scheduled = [name for name, p in parameters.items() if p.annotation is Schedule]
    given, method = config["optimizer"], config["method"]
    off = {name: given[name] for name, value in PLAIN.items() if given.get(name, value) != value}
    if given["name"] not in OPTIMIZERS or not isinstance(given["weight_decay"], float) or off:
        raise ValueError(f"the peer's side has no optimizer {given['name']} with {off or given['weight_decay']}")
    return {
        "method": method["name"],
        "options": {key: value for key, value in method.items() if key not in (*scheduled, "name")},
        "schedules": {name: values(schedules.named(name, method[name], clock)) for name in scheduled},
        "seed": seed,
        "batch": config["batch"],
        "steps": steps,
        "encoder": network(config),
        "heads": heads(config),
        "views": [view(each) for each in compose.views(config["views"])],
        "normalize": config["clean"][0]["ops"][-1]["args"],
        "optimizer": {key: value for key, value in given.items() if key != "groups" and key not in PLAIN},
        "rates": values(schedules.make(config["lr"], clock)),
        "frozen": frozen(given["groups"], clock),
    }


def network(config: dict) -> dict:
    """The encoder's numbers. Raises ValueError for another than a ResNet of basic blocks."""
    given = config["nets"]["encoder"]
    if given["name"] != "resnet" or given["dtype"] != "float32":
        raise ValueError(f"the peer's side has no encoder {given['name']} in {given['dtype']}")
    return {
        "blocks": resnet.stages(given["depth"], resnet.BASIC),
        "base": given["base"] * given["width"],
        "stem": resnet.STEMS[given["stem"]],
        "groups": given["groups"],
        "zero_init": given["zero_init"],
        "kernel_init": given["kernel_init"],
        "channels": SIZES[2],
    }


def heads(config: dict) -> dict:
    """For each head its linear layers (inputs, outputs, norm, bias), as its parameters have them, and what is between.

    last: the outputs of DINO's last layer, or None. Raises ValueError for a head that the peer's side has not.
    """
    made, size = build.nets_of(config, {}), config["views"][0]["size"]
    nets = {role: made[role] for role in schema.roles(schema.method_of(config)) if role in made}  # in their order
    image = jnp.zeros((2, size, size, SIZES[2]))
    params, stats = jax.eval_shape(lambda key: encode.init_chain(key, image, **nets), jax.random.key(0))
    found = {}
    for role in (role for role in nets if role != "encoder"):
        own, running = (tree.get("mlp", tree) for tree in (params[role], stats[role]))
        blocks = []
        for i in range(1, sum(name.startswith("linear") for name in own) + 1):
            norm, linear = own.get(f"norm{i}", {}), own[f"linear{i}"]
            if len(norm) == 1:
                raise ValueError(f"the peer's side has no batch norm with {', '.join(norm)} alone, as in nets.{role}")
            kind = "none" if f"norm{i}" not in running else "affine" if norm else "plain"
            blocks.append((*linear["kernel"].shape, kind, "bias" in linear))
        last = params[role]["last"]["direction"].shape[1] if "last" in params[role] else None
        if last and (len(blocks) != 3 or "scale" in params[role]["last"]):
            raise ValueError(f"the peer's DINO head has three layers and a last one of unit rows, unlike nets.{role}")
        activation = "gelu" if last else config["nets"][role].get("activation", "relu")
        found[role] = {"blocks": blocks, "activation": activation, "last": last}
    return found


def view(made: View) -> dict:
    """A view with the defaults of its operations. Raises ValueError for brightness that is added."""
    known = compose.KINDS["image"].host | compose.KINDS["image"].device
    ops = []
    for op in made.ops:
        options = inspect.signature(known[op.name]).parameters.items()
        args = {name: p.default for name, p in options if p.default is not p.empty} | op.args
        if args.get("additive"):
            raise ValueError("the peer's side has no brightness that is added, color_jitter's `additive`")
        ops.append({"name": op.name, "p": op.p, "args": args})
    return {"group": made.group, "count": made.count, "size": made.size, "ops": ops}


def frozen(groups: tuple[dict, ...], clock: durations.Clock) -> dict[str, int]:
    """{the beginning of parameters' names in torch: the step until which they stay}.

    The peer's side keeps the norms of prototypes by itself. Raises ValueError for a group that it does not know.
    """
    for group in groups:
        if group["match"] not in FROZEN or set(group) - {"match", "freeze", "unit_norm"}:
            raise ValueError(f"the peer's side has no group of parameters {group}")
    return {FROZEN[group["match"]]: durations.steps(group["freeze"], clock) for group in groups}


def verdict(row: dict, score: str) -> tuple[float, str]:
    """(ours less the peer's, "ahead", "behind" or "equal" within both deviations over the seeds together)."""
    ours, peer = row["ours"][score], row["peer"][score]
    difference = ours["mean"] - peer["mean"]
    if ours["std"] is None or peer["std"] is None:
        return difference, "one seed"
    if abs(difference) <= ours["std"] + peer["std"]:
        return difference, "equal"
    return difference, "ahead" if difference > 0 else "behind"


def table(rows: list[dict]) -> Table:
    """In percent, with the deviation over the seeds; the difference in points."""
    out = Table("method", "steps", box=box.SIMPLE)
    for score in SCORES:
        out.add_column(score, justify="right")
        out.add_column("peer", justify="right")
        out.add_column("")
    out.add_column("seconds, peer", justify="right")
    for row in rows:
        cells = []
        for score in SCORES:
            difference, said = verdict(row, score)
            sides = [learns.shown(row[side][score]) for side in ("ours", "peer")]
            cells += [*sides, f"{100 * difference:+.1f} {said}"]
        seconds = ", ".join(f"{row[side]['seconds']['mean']:.0f}" for side in ("ours", "peer"))
        out.add_row(row["method"], str(row["steps"]), *cells, seconds)
    return out


if __name__ == "__main__":
    main()
