"""Products of a step of masked models at ViT-B/16 and Swin-B over what arithmetic gives; 1.0 is ideal.

    python -m benchmarks.masked_flops [--json]

A block on n tokens of width d, of which each sees m: 24 n d^2 + 4 n m d operations, and a backward pass twice as many.
No gradient is taken of pixels. MAE's encoder has the seen quarter of 196 patches and a class token; with mask tokens
in the encoder it has all of them, and the decoder the same. `times` is a step's cost over that of MAE.
"""

import argparse
import json

import jax
from rich import box
from rich.console import Console
from rich.table import Table

from ssl_jax import planning
from ssl_jax.config import recipes, schema
from ssl_jax.nets import swin, vit
from ssl_jax.shard import operations

SIZES = (1_281_167, 1000, 3)
"""Examples, classes and channels of ImageNet."""
IN_ENCODER = {"method.mask_token": "True", "nets.encoder.mask_token": "True"}
ROWS = {
    "MAE, ViT-B/16": ("mae_imagenet_vitb16", {}),
    "MAE with mask tokens in the encoder": ("mae_imagenet_vitb16", IN_ENCODER),
    "SimMIM, ViT-B/16": ("simmim_imagenet_vitb16", {}),
    "SimMIM, Swin-B": ("simmim_imagenet_swinb", {}),
    "MaskFeat, ViT-B/16": ("maskfeat_imagenet_vitb16", {}),
}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [{"what": what, **measured(*row)} for what, row in ROWS.items()]
    if options.json:
        return print(json.dumps(rows, indent=1))
    out = Table("what", "GFLOP an image and step", "arithmetic", "ratio", "times", box=box.SIMPLE)
    for row in rows:
        times = row["step"] / rows[0]["step"]
        out.add_row(row["what"], *(f"{row[k]:.2f}" for k in ("step", "asked")), f"{row['ratio']:.3f}", f"{times:.2f}")
    Console().print(out)


def measured(recipe: str, changes: dict[str, str]) -> dict:
    """GFLOP of a step for one image: of the traced program, and by arithmetic."""
    config = recipes.override(schema.resolve(recipes.load(recipe)), changes)
    program = planning.program_of(config, SIZES, jax.devices()[:1])
    step = operations.flops(planning.traced(program).jaxpr.jaxpr) / config["batch"]
    asked = arithmetic(config)
    return {"recipe": recipe, "changes": changes, "step": step / 1e9, "asked": asked / 1e9, "ratio": step / asked}


def arithmetic(config: dict) -> float:
    """FLOPs of a step for one image."""
    encoder, decoder, method = config["nets"]["encoder"], config["nets"]["decoder"], config["method"]
    side, channels = config["views"][0]["size"], SIZES[2]
    if encoder["name"] == "swin":
        embed, rest, tokens, width = in_windows(encoder, side, channels)
    else:
        embed, rest, tokens, width = whole(encoder, side, channels, method)
    if decoder["name"] == "linear":
        head = product(tokens, width, decoder["out"])
    else:
        patches = (side // decoder["patch"]) ** 2
        head = product(tokens + 1, width, decoder["width"])
        head += decoder["layers"] * block(patches + 1, decoder["width"], patches + 1)
        head += product(patches, decoder["width"], channels * decoder["patch"] ** 2)
    return 2 * embed + 3 * (rest + head)


def whole(encoder: dict, side: int, channels: int, method: dict) -> tuple[float, float, int, int]:
    """FLOPs of the patches' matrix and of all blocks of a ViT, forward; tokens that it gives, and their width."""
    width, layers, _, patch = vit.sizes(encoder["variant"])
    patches = (side // patch) ** 2
    tokens = (
        int(patches * (1 - method["mask_ratio"])) if method["name"] == "mae" and not method["mask_token"] else patches
    )
    embed = product(patches, channels * patch**2, width)
    return embed, layers * block(tokens + 1, width, tokens + 1), tokens, width


def in_windows(encoder: dict, side: int, channels: int) -> tuple[float, float, int, int]:
    """The same of a Swin."""
    width, depths, _ = swin.sizes(encoder["variant"])
    edge, total = side // encoder["patch"], 0.0
    embed = product(edge**2, channels * encoder["patch"] ** 2, width)
    for i, depth in enumerate(depths):
        if i:
            edge, width = edge // 2, 2 * width
            total += product(edge**2, 2 * width, width)
        total += depth * block(edge**2, width, min(encoder["window"], edge) ** 2)
    return embed, total, edge**2, width


def block(tokens: int, width: int, seen: int) -> float:
    """FLOPs of a transformer's block, forward."""
    return 24.0 * tokens * width**2 + 4.0 * tokens * seen * width


def product(rows: int, inputs: int, outputs: int) -> float:
    """FLOPs of a matrix product."""
    return 2.0 * rows * inputs * outputs


if __name__ == "__main__":
    main()
