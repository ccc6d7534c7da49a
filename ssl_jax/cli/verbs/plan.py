"""Compile a recipe's real step for a TPU slice without having one: does it fit, what is the best speed, what the cost.

  ssl-jax plan --config=simclr_imagenet_r50 --topology=v5e-64
  ssl-jax plan --config=mae_imagenet_vitb16 --topology=v5e:4x4,v6e-16,v5p-32 --json
  ssl-jax plan --config=dino_imagenet_vits16 --topology=h100-8 --config.batch=512

Names are Google Cloud's (v4-32, v5e-16, v5p-128, v6e-8) or shapes (v5e:4x4, tpu7x:2x2x1). GPUs (a100-8, h100-8) get
the analytic part only. It needs libtpu, which compiles without a chip: pip install 'ssl_jax[plan]'.
"""

import argparse
import json

from rich import box
from rich.table import Column, Table

from ssl_jax import planning
from ssl_jax.config import recipes, schema
from ssl_jax.reporting import terminal


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax plan`."""
    parser.add_argument("--config", required=True, help="a recipe: its bare name, a .py file or a resolved config.json")
    parser.add_argument("--topology", required=True, help="one or several, with commas between them")
    parser.add_argument("--utilization", type=float, default=0.4, help="share of the peak that the hours assume")
    for name in ("examples", "classes", "channels"):
        parser.add_argument(f"--{name}", type=int, help="of the dataset, where it is not there")
    parser.add_argument(
        "--no-search", action="store_true", help="do not look for the largest batch: a third of the time"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Plans and prints."""
    config = schema.changed(recipes.load(args.config), changes)
    given = (args.examples, args.classes, args.channels)
    if any(given) and not all(given):
        raise ValueError("--examples, --classes and --channels are given together or not at all")
    names = [name.strip() for name in args.topology.split(",")]
    rows = planning.plan(
        config, names, utilization=args.utilization, sizes=given if all(given) else None, search=not args.no_search
    )
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    console = terminal.output()
    console.print(table(args.config, rows))
    for row in rows:
        console.print(remark(row), highlight=False, soft_wrap=True)


def table(name: str, rows: list[dict]) -> Table:
    """One line a topology."""
    titles = ("topology", "fits", "GiB", "of", "largest", "TFLOP", "ms", "bound by", "hours", "chip-hours")
    columns = (Column(title, justify="left" if i < 2 else "right", no_wrap=True) for i, title in enumerate(titles))
    out = Table(
        *columns,
        box=box.SIMPLE,
        padding=0,
        title=f"{name}, batch {rows[0]['batch']}: of a chip, a step at best, the run",
    )
    for row in rows:
        fits = {True: "yes", False: "NO"}.get(row.get("fits"), "?")
        peak = row.get("peak", row.get("needed"))
        out.add_row(
            row["topology"],
            fits,
            f"{peak / 2**30:.1f}" if peak else "",
            f"{row['memory'] / 2**30:.0f}",
            str(row.get("largest_batch") or ""),
            f"{row['flops'] / 1e12:.1f}",
            f"{1e3 * max(row['bounds'].values()):.1f}",
            row["binds"],
            f"{row['hours']:.1f}",
            f"{row['chip_hours']:.0f}",
        )
    return out


def remark(row: dict) -> str:
    """What the table has no room for."""
    sent = ", ".join(
        f"{int(v['count'])} {k} ({v['bytes'] / 1e6:.1f} MB)" for k, v in row.get("collectives", {}).items()
    )
    parts = [f"{row['topology']}: {row['steps']} steps, {row['epoch_seconds']:.0f} s an epoch; hours assume "
             f"{row['utilization']:.0%} of the peak in bfloat16"]  # fmt: skip
    if row.get("fits") is False:
        parts.append(
            "it does not fit: compute activations again (--config.nets.encoder.remat=True), meet the batch in parts "
            "(--config.chunks=4), split the state (--config.mesh.fsdp=N), or take more chips"
        )
    if not row["compiled"]:
        parts.append("analytic only: nothing was compiled, so whether it fits is not known")
    elif "collectives" not in row:
        parts.append(
            "the compiler gives no text for this chip, so collectives are not counted" if "peak" in row else ""
        )
    else:
        parts.append(f"collectives of a step: {sent or 'none'}")
    return "; ".join(part for part in parts if part)
