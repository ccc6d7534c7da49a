"""The model card: what an exported encoder is, in Markdown."""

from ssl_jax import __version__
from ssl_jax.exporting import geometry, usage
from ssl_jax.features.encoder import Encoder


def text(encoder: Encoder, result: dict, receipt: dict, use: tuple[str, str]) -> str:
    """The card of one export. result: the run's accuracies, as result.json has them, or {}. use: `usage.code`."""
    config, (size, _, channels) = encoder.config, geometry.shape(encoder)
    mean, std = geometry.normalization(config)
    network = ", ".join(f"{key}={value!r}" for key, value in encoder.spec.items())
    scaled = (
        "float32 in 0..1, normalized inside"
        if receipt["format"] in usage.GRAPHS
        else f"minus {mean}, over {std}, of 0..1"
    )
    lines = [
        f"# {config['method']['name']} encoder, pre-trained without labels",
        "",
        "| | |",
        "|---|---|",
        f"| method | {config['method']['name']}, {config['duration']} at a batch of {config['batch']} |",
        f"| data | {config['data']['train']} |",
        f"| network | {network} |",
        f"| weights | the {encoder.which}'s, after step {encoder.step} |",
        f"| input | {size} x {size} x {channels}; {scaled} |",
        f"| recipe | {encoder.digest}, ssl_jax {__version__} |",
        "",
        "## Use",
        "",
        f"```{use[0]}",
        use[1],
        "```",
        "",
        "## Proof",
        "",
        proof(receipt),
        "",
        *numbers(encoder, result),
        "## License",
        "",
        "These weights were learned from the data above: its license and terms say what they may be used for.",
    ]
    return "\n".join(lines) + "\n"


def proof(receipt: dict) -> str:
    """What the receipt says, as a sentence."""
    if not receipt["verified"]:
        return "None: this file was written without being read back (`--unverified`)."
    versions = ", ".join(f"{name} {version}" for name, version in receipt["reader"].items())
    return (
        f"Read back by {versions} in a process of its own: features of {receipt['images']} images differ by "
        f"{receipt['difference']:.1e} of the largest (allowed: {receipt['tolerance']:g})."
    )


def numbers(encoder: Encoder, result: dict) -> list[str]:
    """The table of the run's accuracies, where it was evaluated at this step."""
    protocols = [name for name in ("knn", "linear", "few_shot_10") if name in result]
    if result.get("step") != encoder.step or not protocols:
        return []
    columns = ("raw_pixels", "random_init", "pretrained")
    shown = lambda value: "-" if value is None else f"{100 * value:.1f}"  # noqa: E731
    rows = (f"| {name} | {' | '.join(shown(result[name][c]) for c in columns)} |" for name in protocols)
    titles = " | ".join(columns).replace("_", " ")
    test = result.get("data", {}).get("test", {}).get("source") or encoder.config["data"]["test"]
    head = f"| test accuracy on {test}, % | {titles} |"
    return ["## Numbers", "", head, "|---|---|---|---|", *rows, ""]
