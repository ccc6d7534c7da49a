"""The proof of an export: another process reads the file, by another library, and finds the same features."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jax
import numpy as np

from ssl_jax import __version__
from ssl_jax.data import sources
from ssl_jax.exporting import geometry, names
from ssl_jax.exporting.formats import Format
from ssl_jax.features.encoder import Encoder
from ssl_jax.process import machine
from ssl_jax.views import compose_host

TOLERANCE = 1e-4
"""The largest difference of a feature that an export may have, relative to the largest feature."""
IMAGES = 4
READERS = pathlib.Path(__file__).parent / "readers"


def verified(encoder: Encoder, form: Format, path: pathlib.Path, python: str) -> dict:
    """The receipt of what lies at `path`. python: the interpreter that has the reader's library.

    Raises ValueError in one sentence where the reader is not installed, cannot read it, or finds other features.
    """
    pixels = photographs(encoder)
    inputs = geometry.normalized(encoder.config, pixels)
    ours = features(encoder, inputs)
    with tempfile.TemporaryDirectory() as folder:
        request = {"path": str(path), "model": form.describe(encoder), "out": f"{folder}/out.npz"}
        request["pool"] = encoder.spec.get("pool", "mean")
        for name, array in {"pixels": pixels, "inputs": inputs}.items():
            request[name] = f"{folder}/{name}.npy"
            np.save(request[name], array)
        theirs, versions = read(form.reader, request, sys.executable if form.ours else python)
    if theirs.shape != ours.shape:
        raise ValueError(
            f"{names_of(versions)} reads features {list(theirs.shape)}, and here they are {list(ours.shape)}"
        )
    difference = float(np.abs(theirs - ours).max() / np.abs(ours).max())
    if not difference <= TOLERANCE:
        raise ValueError(
            f"{names_of(versions)} finds other features: they differ by {difference:.2g} of the largest, "
            f"and may by {TOLERANCE:g}; nothing is written"
        )
    return {"verified": True, "reader": versions, "tolerance": TOLERANCE, "difference": difference, "images": IMAGES}


def features(encoder: Encoder, inputs: np.ndarray) -> np.ndarray:
    """Float32 [n, d] of normalized images [n, s, s, c], in little memory: a ResNet's maps of four weigh half as it."""
    forward = jax.jit(lambda *args: encoder.net.apply(*args, train=False)[0]["pool"])
    forward = forward.lower(encoder.params, encoder.stats, inputs[:1]).compile()
    machine.release()
    return np.concatenate([forward(encoder.params, encoder.stats, one[None]) for one in inputs])


def read(reader: str, request: dict, python: str) -> tuple[np.ndarray, dict[str, str]]:
    """(features [n, d], {library: version}) as a reader finds them, in a process of its own. Raises ValueError."""
    script, ask = READERS / f"{reader}.py", pathlib.Path(request["out"]).with_name("request.json")
    ask.write_text(json.dumps(request))
    try:
        done = subprocess.run([python, str(script), str(ask)], capture_output=True, text=True)
    except OSError as error:
        raise ValueError(f"--reader={python} cannot be started: {error.strerror}") from error
    if done.returncode:
        raise ValueError(failure(done.stderr, python))
    with np.load(request["out"]) as found:
        return found["pool"], json.loads(str(found["versions"]))


def failure(said: str, python: str) -> str:
    """One sentence for what a reader died of."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    if lines and (absent := re.search(r"No module named '([\w.]+)'", lines[-1])):
        package = absent[1].split(".")[0]
        return (
            f"the export is checked with {package}, which {python} does not have: `{python} -m pip install {package}`, "
            "or name a Python that has it, --reader=PYTHON, or write without a proof, --unverified"
        )
    return (
        f"what was written cannot be read back, so nothing is kept: {lines[-1] if lines else 'the reader was killed'}"
    )


def photographs(encoder: Encoder) -> np.ndarray:
    """Real images [IMAGES, s, s, c] in 0..1 as the recipe prepares them: every channel is a picture of its own."""
    source, (_, _, channels) = sources.open("embedded:fashion_mnist/test"), geometry.shape(encoder)
    gray = sources.images(source, np.arange(IMAGES * channels))
    images = np.stack([np.concatenate(gray[i * channels : (i + 1) * channels], -1) for i in range(IMAGES)])
    clean = np.stack([compose_host.alone(encoder.host, image)["clean"][0] for image in images])
    return clean.astype(np.float32) / np.float32(np.iinfo(clean.dtype).max)


def digest(encoder: Encoder) -> str:
    """SHA-256 of the weights by our names, whatever the format."""
    found = hashlib.sha256()
    for name, value in sorted(names.flat(encoder.params, encoder.stats).items()):
        found.update(f"{name} {value.dtype} {value.shape}".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()


def names_of(versions: dict) -> str:
    """The library that read it, with its version."""
    library = list(versions)[-1]
    return f"{library} {versions[library]}"


def of(encoder: Encoder, form: str, proof: dict) -> dict:
    """The whole receipt. proof: of `verified`, or {"verified": False}."""
    return {
        "format": form,
        "which": encoder.which,
        "step": encoder.step,
        "recipe": encoder.digest,
        "weights_sha256": digest(encoder),
        "ssl_jax": __version__,
        **proof,
    }
