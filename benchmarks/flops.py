"""Products and convolutions of a step of each joint-embedding method over those that its paper asks for: 1.0 is ideal.

    python -m benchmarks.flops [--methods=simclr,byol] [--json]

What a paper asks for are forward passes: of which views with a backward pass, and of which without one (a teacher's),
through the encoder, and through the heads that are applied to what it pools; the parameters alone have gradients.
iBOT asks for its head at every patch of the full-size crops, and DINOv2 for one at the hidden patches, on both sides.
All is counted in traced programs of the small recipes, the bodies of scans as often as they run. What else a step
computes, its loss above all, makes the ratio larger than 1: `WHY` says what that is where it is more than a twentieth.
"""

import argparse
import json
import sys

import jax
from rich import box
from rich.console import Console
from rich.table import Table

from ssl_jax import planning
from ssl_jax.config import build, catalog, recipes, schema
from ssl_jax.shard import operations

SIZES = (10000, 10, 3)
"""Examples, classes and channels of the recipes' part of CIFAR-10."""
ALL, NONE, ONE, TWO = None, {}, {"global": 1}, {"global": 2}
PASSES = {
    **dict.fromkeys(("byol", "nnbyol", "moco_v2_plus", "moco_v3", "dino", "ibot", "dinov2", "all4one"), (ALL, TWO)),
    **dict.fromkeys(("moco_v1", "moco_v2", "densecl", "pcl_v1", "pcl_v2", "ressl", "tico", "smog"), (ONE, ONE)),
    **dict.fromkeys(("msn", "pmsn"), ({"global": 1, "local": 2}, ONE)),
    "infomin": ({"global": 1, "patches": 9}, ONE),
    "mmcr": (ALL, {"global": 4}),
    "obow": ({"local": 2, "patches": 5}, ONE),
    "rotation": ({"global": 4}, NONE),
    "simclr_v2_memory": (ALL, ONE),
}
"""Views of each group that are encoded with a backward pass (all of them if not said), and without."""
HEADS = ("projector", "predictor")
PATCH_HEADS = {"ibot": "projector", "dinov2": "patch_projector"}
"""The head that is applied to patches."""
WHY = {
    "all4one": "a second predictor and a transformer of neighbors",
    "amdim": "products of all places of two maps",
    "cmc": "similarities to all examples, twice",
    "cpc_v2": "a network over the grid, predictions in four directions",
    "densecl": "a head at every place of the map",
    "inst_disc": "similarities to all examples",
    "local_aggregation": "similarities to all examples",
    "obow": "words of all places, weights that are made of the vocabulary",
    "pirl": "similarities to all examples, twice",
    "vibcreg": "covariances of a wide embedding",
    "vicreg": "covariances of a wide embedding",
    "vicregl": "an expander at every place of the map, covariances of places",
}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--methods", help="some, with commas between them; all of that family that have a small recipe if left out"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    family = [row for row in catalog.methods() if row["family"] == "joint embedding"]
    known = [row["name"] for row in family if f"{row['name']}_cifar10" in row["recipes"]]
    rows = []
    for name in options.methods.split(",") if options.methods else known:
        rows.append(measured(name))
        print(json.dumps(rows[-1]) if options.json else f"{name} {rows[-1]['ratio']:.3f}", file=sys.stderr)
    print(json.dumps(rows)) if options.json else Console().print(table(rows))


def measured(name: str) -> dict:
    """A method's row; FLOPs of a step."""
    config = schema.resolve(recipes.load(f"{name}_cifar10"))
    step = operations.flops(planning.traced(planning.program_of(config, SIZES, jax.devices()[:1])).jaxpr.jaxpr)
    asked = analytic(name, config)
    return {"method": name, "step": step, "asked": asked, "ratio": step / asked}


def analytic(name: str, config: dict) -> float:
    """FLOPs of the forward passes that a paper asks for, and of the backward passes of those that learn."""
    nets = build.nets_of(config, {})
    sizes = {view["group"]: view["size"] for view in config["views"]}
    counts = {group: sum(v["count"] for v in config["views"] if v["group"] == group) for group in sizes}
    learned, fixed = PASSES.get(name, (ALL, NONE))
    total = sum(
        views * passed(nets, config["batch"], sizes[group], learns)
        for shown, learns in ((learned or counts, True), (fixed, False))
        for group, views in shown.items()
    )
    return total + (at_patches(name, config, nets) if name in PATCH_HEADS else 0.0)


def at_patches(name: str, config: dict, nets: dict) -> float:
    """FLOPs of the head of patches: of the student with a backward pass, of the teacher without."""
    head, method, side = nets[PATCH_HEADS[name]], config["method"], config["views"][0]["size"]
    images = jax.ShapeDtypeStruct((config["batch"] * TWO["global"], side, side, SIZES[2]), "float32")
    place = jax.eval_shape(lambda x: encoded(nets["encoder"], x)["tokens"], images)
    share = 1.0 if name == "ibot" else method["mask_share"] * sum(method["mask_ratio"]) / 2
    rows = jax.ShapeDtypeStruct((round(share * place.shape[0] * place.shape[1]), place.shape[2]), place.dtype)
    params, stats = jax.eval_shape(head.init, jax.random.key(0), rows)

    def forward(params: dict, x, stats: dict):
        return head.apply(params, stats, x, train=True)[0].sum()

    sides = (jax.grad(forward, argnums=(0, 1)), forward)
    return sum(operations.flops(jax.make_jaxpr(side)(params, rows, stats).jaxpr) for side in sides)


def encoded(encoder, images) -> dict:
    """What a fresh encoder gives for images."""
    params, stats = encoder.init(jax.random.key(0), images)
    return encoder.apply(params, stats, images, train=False)[0]


def passed(nets: dict, batch: int, size: int, learns: bool) -> float:
    """FLOPs of one view of each example through the encoder and the heads; a predictor is the student's alone."""
    roles = [role for role in ("encoder", *HEADS) if role in nets and (learns or role != "predictor")]
    images = jax.ShapeDtypeStruct((batch, size, size, SIZES[2]), "float32")

    def forward(params: dict, stats: dict, x):
        for role in roles:
            x, _ = nets[role].apply(params[role], stats[role], x, train=True, key=jax.random.key(0))
            x = x["pool"] if role == "encoder" else x
        return x.sum()

    def init(key, x):
        params, stats = {}, {}
        for role in roles:
            params[role], stats[role] = nets[role].init(key, x)
            x, _ = nets[role].apply(params[role], stats[role], x, train=False)
            x = x["pool"] if role == "encoder" else x
        return params, stats

    params, stats = jax.eval_shape(init, jax.random.key(0), images)
    function = jax.grad(forward) if learns else forward
    return operations.flops(jax.make_jaxpr(function)(params, stats, images).jaxpr)


def table(rows: list[dict]) -> Table:
    """The largest ratio first, with what makes it larger."""
    out = Table("method", "GFLOP a step", "asked for", "ratio", "why", box=box.SIMPLE)
    for row in sorted(rows, key=lambda row: -row["ratio"]):
        numbers = (f"{row[key] / 1e9:.1f}" for key in ("step", "asked"))
        out.add_row(row["method"], *numbers, f"{row['ratio']:.2f}", WHY.get(row["method"], ""))
    return out


if __name__ == "__main__":
    main()
