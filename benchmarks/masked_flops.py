"""Operations of a step of masked models at the sizes of their papers over what arithmetic gives; 1.0 is ideal.

    python -m benchmarks.masked_flops [--compiled] [--json]

A block on n tokens of width d, of which each sees m: 24 n d^2 + 4 n m d operations, and a backward pass twice as many.
No gradient is taken of pixels. MAE's encoder has the seen quarter of 196 patches and a class token; with mask tokens
in the encoder it has all of them, and the decoder the same. BEiT's step names the codes, the teachers of data2vec and
I-JEPA have a forward pass. `times` is a step's cost over that of MAE with the same encoder; the paper has 3.3 for ViT-L
(arXiv:2111.06377, table 1c).

Counted are products of the traced program, loops as often as they run. --compiled: also what XLA counts of MAE's two
forms once they are compiled, without loops, in steps of a few images: all operations, those of the optimizer too.
"""

import argparse
import json
import os

import jax
from rich import box
from rich.console import Console
from rich.table import Table

from ssl_jax import planning
from ssl_jax.config import recipes, schema
from ssl_jax.nets import swin, vit
from ssl_jax.shard import operations
from ssl_jax.tasks import multiblock

SIZES = (1_281_167, 1000, 3)
"""Examples, classes and channels of ImageNet."""
MAE, LARGE = "mae_imagenet_vitb16", {"nets.encoder.variant": "L/16"}
IN_ENCODER = {"method.mask_token": "True", "nets.encoder.mask_token": "True"}
ROWS = {
    "MAE, ViT-B/16": (MAE, {}),
    "with mask tokens": (MAE, IN_ENCODER),
    "SimMIM, ViT-B/16": ("simmim_imagenet_vitb16", {}),
    "MaskFeat, ViT-B/16": ("maskfeat_imagenet_vitb16", {}),
    "MAE, ViT-L/16": (MAE, LARGE),
    "with mask tokens, L": (MAE, LARGE | IN_ENCODER),
    "SimMIM, Swin-B": ("simmim_imagenet_swinb", {}),
    "BEiT, ViT-B/16": ("beit_imagenet_vitb16", {}),
    "data2vec, ViT-B/16": ("data2vec_imagenet_vitb16", {}),
    "I-JEPA, ViT-B/16": ("ijepa_imagenet_vitb16", {}),
}
UNROLLED = {"nets.encoder.scan": "False", "nets.decoder.scan": "False", "batch": "16"}
DTYPES = ("nets.encoder.dtype", "nets.decoder.dtype")
"""Where bfloat16 is, of which a CPU has no products."""
COLUMNS = ("what", "GFLOP an image", "arithmetic", "ratio", "times", "compiled", "ratio")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows, plain = [], {}
    for what, (recipe, changes) in ROWS.items():
        row = {"what": what, **measured(recipe, changes)}
        if options.compiled and recipe == MAE and "nets.encoder.variant" not in changes:
            row["compiled"] = compiled(recipe, changes)
        row["times"] = row["step"] / plain.setdefault(str(row.pop("encoder")), row["step"])
        rows.append(row)
    if options.json:
        return print(json.dumps({"jax": jax.__version__, "cores": os.cpu_count(), "rows": rows}, indent=1))
    out = Table(*COLUMNS, box=box.SIMPLE)
    for row in rows:
        count = row.get("compiled")
        last = (f"{count:.2f}", f"{count / row['asked']:.3f}") if count else ("", "")
        numbers = (f"{row['step']:.2f}", f"{row['asked']:.2f}", f"{row['ratio']:.3f}", f"{row['times']:.2f}")
        out.add_row(row["what"], *numbers, *last)
    Console().print(out)


def configured(recipe: str, changes: dict[str, str]) -> dict:
    """The resolved recipe with changes."""
    return recipes.override(schema.resolve(recipes.load(recipe)), changes)


def measured(recipe: str, changes: dict[str, str]) -> dict:
    """GFLOP of a step for one image: of the traced program, and by arithmetic; and which encoder it has."""
    config = configured(recipe, changes)
    program = planning.program_of(config, SIZES, jax.devices()[:1])
    step = operations.flops(planning.traced(program).jaxpr.jaxpr) / config["batch"]
    asked, encoder = arithmetic(config), config["nets"]["encoder"]["variant"]
    return {"encoder": encoder, "step": step / 1e9, "asked": asked / 1e9, "ratio": step / asked}


def compiled(recipe: str, changes: dict[str, str]) -> float:
    """GFLOP of a step for one image, by the compiler's count of the compiled program."""
    config = configured(recipe, changes | UNROLLED | dict.fromkeys(DTYPES, "float32"))
    program = planning.program_of(config, SIZES, jax.devices()[:1])
    return planning.traced(program).lower().compile().cost_analysis()["flops"] / config["batch"] / 1e9


def arithmetic(config: dict) -> float:
    """FLOPs of a step for one image."""
    return {"beit": of_codes, "data2vec": of_layers, "ijepa": of_blocks}.get(config["method"]["name"], of_pixels)(
        config
    )


def of_codes(config: dict) -> float:
    """BEiT's: all patches, codes at the hidden ones, and the distances of all patches from all centers."""
    encoder, method, codes = config["nets"]["encoder"], config["method"], config["nets"]["classifier"]["out"]
    embed, rest, tokens, width = whole(encoder, config["views"][0]["size"], SIZES[2], method)
    tokenizer = product(tokens, SIZES[2] * method["patch"] ** 2, codes)
    return 2 * embed + 3 * (rest + product(method["hidden"], width, codes)) + tokenizer


def of_layers(config: dict) -> float:
    """data2vec's: all patches, forward for the teacher, and one layer at the hidden ones."""
    embed, rest, tokens, width = whole(
        config["nets"]["encoder"], config["views"][0]["size"], SIZES[2], config["method"]
    )
    return 3 * embed + 4 * rest + 3 * product(config["method"]["hidden"], width, width)


def of_blocks(config: dict) -> float:
    """I-JEPA's: the teacher's forward pass, the context, and for each block a predictor of both."""
    predictor, method = config["nets"]["predictor"], config["method"]
    width, layers, _, patch = vit.sizes(config["nets"]["encoder"]["variant"])
    side, narrow = config["views"][0]["size"] // patch, predictor["width"]
    patches, context = side**2, int(method["context_share"] * side**2)
    asked = int(multiblock.sizes((side, side), method["target_scale"], method["target_aspect"]).prod(1).max())
    teacher = product(patches, SIZES[2] * patch**2, width) + layers * block(patches, width, patches)
    student = 2 * product(context, SIZES[2] * patch**2, width) + 3 * layers * block(context, width, context)
    one = predictor["layers"] * block(context + asked, narrow, context + asked) + product(asked, narrow, width)
    return teacher + student + 3 * (product(context, width, narrow) + method["targets"] * one)


def of_pixels(config: dict) -> float:
    """Of MAE, SimMIM and MaskFeat."""
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
