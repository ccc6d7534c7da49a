"""What the peer's side of benchmarks/learns_peer.py makes of given arrays. Run by SSL_JAX_PEER's Python.

    PYTHONPATH=benchmarks PYTHON tests/peer_checks.py FOLDER

FOLDER: specs.json, {name: specification}, and given.npz; found.npz is written, {name/what: array}.
"""

import json
import sys
from pathlib import Path

import learns_peer_torch as peer
import numpy as np
import torch


def losses(spec: dict, batches: list[dict]) -> dict:
    """The loss of the last batch and its gradient; those before it leave queues and centers behind."""
    criterion = peer.criterion(spec)
    for batch in batches:
        leaf, teacher = torch.tensor(batch["student"], requires_grad=True), torch.tensor(batch["teacher"])
        views = list(leaf.unbind(1))
        scores = [torch.nn.functional.normalize(z, dim=1) for z in views]
        student = {"projection": views, "prediction": views, "scores": scores}
        value = criterion(student, {"projection": list(teacher.unbind(1))}, 0)
        value.backward()
    return {"value": value.detach().reshape(()).numpy(), "gradient": leaf.grad.numpy()}


def descent(given: dict, rates: list[float], start: dict, gradients: list[dict]) -> dict:
    """Parameters after as many steps as there are rates."""
    parameters = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in start.items()}
    optimizer = peer.optimizer(list(parameters.values()), given)
    for rate, step in zip(rates, gradients, strict=True):
        for name, p in parameters.items():
            p.grad = torch.tensor(step[name])
        if given["name"] == "larc_clipped":
            peer.adapt(list(parameters.values()), given, rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    return {name: p.detach().numpy() for name, p in parameters.items()}


def encoded(given: dict, weights: list[np.ndarray], images: np.ndarray) -> dict:
    """Features in training, and then by the running statistics that this has left."""
    net, x = peer.encoder(**given), torch.tensor(images).permute(0, 3, 1, 2).contiguous()
    with torch.no_grad():
        for p, value in zip(net.parameters(), weights, strict=True):
            p.copy_(torch.tensor(value))
        train = net(x).numpy()
        return {"train": train, "eval": net.eval()(x).numpy()}


def tree_of(flat: np.lib.npyio.NpzFile) -> dict:
    """{"a/b": array} -> {"a": {"b": array}}."""
    tree = {}
    for name in flat.files:
        *path, last = name.split("/")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = flat[name]
    return tree


def listed(node: dict) -> list:
    """{"0": ..., "1": ...} -> a list."""
    return [node[key] for key in sorted(node, key=int)]


def main(folder: Path) -> None:
    """All that the test asks."""
    specs, tree, found = json.loads((folder / "specs.json").read_text()), tree_of(np.load(folder / "given.npz")), {}
    for name, spec in specs["losses"].items():
        found |= {f"{name}/{k}": v for k, v in losses(spec, listed(tree["losses"][name])).items()}
    for name, spec in specs["optimizers"].items():
        made = descent(spec["optimizer"], spec["rates"], tree["start"], listed(tree["gradients"]))
        found |= {f"{name}/{k}": v for k, v in made.items()}
    for name, spec in specs["encoders"].items():
        made = encoded(spec, listed(tree["weights"][name]), tree["images"][name])
        found |= {f"{name}/{k}": v for k, v in made.items()}
    np.savez(folder / "found.npz", **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
