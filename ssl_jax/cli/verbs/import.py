"""Begin a run from weights of another library: to evaluate them, or to go on with pre-training.

  ssl-jax import --from=torchvision r50.safetensors --config=simclr_imagenet_r50 --workdir=runs/r50 --allow='fc.*'
  ssl-jax import --from=huggingface dinov2_dir --config=my_recipe.py --workdir=runs/d --adapt=positions
  ssl-jax import --from=timm moco.safetensors --prefix=module.encoder_q. --config=moco_v2_imagenet_r50 --workdir=runs/m

The recipe says what the network is; student and teacher get the weights, the heads start fresh. Every array has to
find its place: one that is missing, of another shape or without use is an error that names it. Then `ssl-jax evaluate`
measures the encoder, and `ssl-jax train` with the same recipe goes on from it.
"""

import argparse

from ssl_jax.config import recipes
from ssl_jax.exporting import adapting, importing


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax import`."""
    parser.add_argument(
        "path", metavar="PATH", help=".safetensors, .npz, detectron2's .pkl or a Hugging Face directory"
    )
    parser.add_argument("--from", required=True, dest="form", metavar="FORMAT", help=", ".join(importing.FORMATS))
    parser.add_argument("--config", required=True, help="the recipe: its bare name, a .py file or a config.json")
    parser.add_argument("--workdir", required=True, help="a new work directory")
    parser.add_argument("--prefix", default="", help="what the names begin with; arrays without it are left out")
    parser.add_argument("--allow", default="", help="patterns of arrays that may be left over, such as 'fc.*,head.*'")
    ways = ", ".join(adapting.WAYS)
    parser.add_argument("--adapt", default="", help=f"what may change its shape to fit the recipe: {ways}")


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Imports, and says what was taken."""
    lists = {name: tuple(filter(None, getattr(args, name).split(","))) for name in ("allow", "adapt")}
    options = dict(changes=changes, prefix=args.prefix, **lists)
    found = importing.bring(args.form, args.path, recipes.load(args.config), args.workdir, **options)
    print(f"{found['used']} arrays of {args.path} are in {args.workdir}, step 0; {found['left']} are left out")
