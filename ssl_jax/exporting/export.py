"""An encoder into a file for elsewhere, with its receipt and its card."""

import json
import pathlib
import shutil
import sys

from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.exporting import card, formats, receipts, usage
from ssl_jax.features import encoder as encoders
from ssl_jax.process import machine


def export(
    workdir: str,
    to: str,
    out: str,
    *,
    step: int | None = None,
    which: str | None = None,
    reader: str = sys.executable,
    verify: bool = True,
) -> dict:
    """Writes the encoder of a run at `out` and returns its receipt, which lies beside it with a model card.

    workdir: of a run, or a file that was exported as npz or safetensors. step, which: as for `load`. The rest is as for
    `written`, which says what is raised.
    """
    form, path = destination(to, out)
    encoder, result = encoders.load(workdir, step=step, which=which), epath.Path(workdir) / "result.json"
    # The accuracies are of the encoder that the method evaluates; another one has none.
    evaluated = result.exists() and encoder.which == next(iter(encoders.places_of(encoder.config)))
    result = json.loads(result.read_text()) if evaluated else {}
    return written(encoder, to, out, reader=reader, verify=verify, result=result)


def destination(to: str, out: str) -> tuple[formats.Format, pathlib.Path]:
    """The format and the path, looked at before anything is done. Raises ValueError for what cannot be."""
    if to not in formats.FORMATS:
        raise ValueError(spelling.unknown(to, formats.FORMATS, "the formats"))
    form, path = formats.FORMATS[to], pathlib.Path(out)
    if form.suffixes and path.suffix not in form.suffixes:
        raise ValueError(f"--out={out}: {to} writes a file that ends with {' or '.join(form.suffixes)}")
    if path.exists() and (path.is_dir() or not form.suffixes):
        raise ValueError(f"--out={out} is there already: remove it, or name another")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"--out={out}: there is no folder {path.absolute().parent}")
    about = path.with_suffix(".md")
    if form.suffixes and about.exists() and not path.with_suffix(".receipt.json").exists():
        raise ValueError(f"--out={out}: its model card would replace {about.name}, which no export wrote; name another")
    return form, path


def written(
    encoder: encoders.Encoder,
    to: str,
    out: str,
    *,
    reader: str = sys.executable,
    verify: bool = True,
    result: dict | None = None,
) -> dict:
    """Writes an encoder at `out`; returns its receipt.

    to: a format of `formats.FORMATS`; weights and computation are float32, whatever the recipe trained in.
    reader: the Python that has the library which reads the format; nothing is left at `out` unless that library finds
    the same features there, to 1e-4 of the largest. verify=False writes without that proof, and the receipt says so.
    result: accuracies for the card, as result.json has them. Raises ValueError in one
    sentence for a format, path or network that cannot be, a library that is missing, and features that differ.
    """
    form, path = destination(to, out)
    if encoder.part != "image":
        raise ValueError(
            f"the encoder takes {encoder.part}, and only encoders of images are exported so far; ssl_jax.load(workdir) "
            "has it for Python"
        )
    encoder = encoder._replace(net=encoders.network(encoder.config, encoder.role, dtype="float32"))
    model = form.describe(encoder)
    fresh = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        remove(fresh)
        machine.release()  # what loading left; then, what renaming did
        form.write(encoder, fresh)
        machine.release()
        proof = receipts.verified(encoder, form, fresh, reader) if verify else {"verified": False}
        receipt = receipts.of(encoder, to, proof)
        text = card.text(encoder, result or {}, receipt, usage.code(encoder, to, model, path.name))
        if fresh.is_dir():
            beside(fresh / "receipt.json", fresh / "README.md", receipt, text)
        else:
            beside(path.with_suffix(".receipt.json"), path.with_suffix(".md"), receipt, text)
        fresh.replace(path)
    except ModuleNotFoundError as error:
        raise ValueError(f"{to} is written with {error.name}: pip install 'ssl_jax[{to}]'") from error
    finally:
        remove(fresh)
    return receipt


def beside(receipt_path: pathlib.Path, card_path: pathlib.Path, receipt: dict, text: str) -> None:
    """The two files for people that go with the weights."""
    receipt_path.write_text(json.dumps(receipt, indent=2) + "\n")
    card_path.write_text(text)


def remove(path: pathlib.Path) -> None:
    """A file or a directory, where there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
