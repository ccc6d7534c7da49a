"""Write the encoder of a work directory for other libraries, and prove that they read it right.

  ssl-jax export --workdir=runs/quickstart --to=safetensors --out=encoder.safetensors
  ssl-jax export --workdir=runs/r50 --to=timm --out=r50.safetensors --reader=../torch_env/bin/python
  ssl-jax export --workdir=runs/dino --to=huggingface --out=dino_vits16 --which=student

A file is kept only after the library that it is for has read it in a process of its own and found the same features.
A receipt (JSON) and a model card (Markdown) lie beside it. Formats: npz, safetensors (our names; `ssl_jax.load` reads
them), torchvision, timm, detectron2, huggingface, stablehlo, savedmodel, onnx.
"""

import argparse
import sys

from ssl_jax import api
from ssl_jax.exporting import export, receipts


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax export`."""
    parser.add_argument(
        "--workdir", required=True, help="the work directory of a run, or an exported .npz/.safetensors"
    )
    parser.add_argument("--to", required=True, metavar="FORMAT", help="for whom; see above")
    parser.add_argument("--out", required=True, metavar="PATH", help="the file or directory to write")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    parser.add_argument("--which", help="student or teacher; what the method itself evaluates if left out")
    parser.add_argument("--reader", default=sys.executable, metavar="PYTHON", help="the Python that has the library")
    parser.add_argument("--unverified", action="store_true", help="write without proof; the receipt says so")


def run(args: argparse.Namespace) -> None:
    """Exports and says what was proven."""
    api.keep_compiled()
    options = dict(step=args.step, which=args.which, reader=args.reader, verify=not args.unverified)
    receipt = export.export(args.workdir, args.to, args.out, **options)
    print(f"the {receipt['which']}'s weights of step {receipt['step']} are in {args.out}")
    if receipt["verified"]:
        found = f"features differ by {receipt['difference']:.1e} of the largest, of {receipt['tolerance']:g} allowed"
        print(f"read back by {receipts.names_of(receipt['reader'])}: {found}")
    else:
        print("NOT read back: --unverified")
