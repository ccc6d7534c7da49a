"""Facts -> a recipe, with the reason for each choice. Pure: reads nothing, measures nothing."""

import math
import re
from typing import NamedTuple

from ssl_jax.checks import spelling
from ssl_jax.choosing import tables
from ssl_jax.choosing.facts import Facts, Machine
from ssl_jax.config import recipes

COLORED = ("saturation", "hue")
"""Of color jitter, what only images of three channels have; random gray is the other."""
NONE = "none"
"""The test set of a request that wants none."""


class Request(NamedTuple):
    """What a person asked for. test: a dataset, the share to hold out, "none", or "" for what the table says.

    seconds: the time that all of it may take, 0 for as long as the table says.
    """

    data: str
    test: str = ""
    dir: str = ""
    method: str = ""
    net: str = ""
    seconds: float = 0.0


class Choice(NamedTuple):
    """One line of what a person is told: a key of the recipe, or several, its value, and why it is that."""

    what: str
    value: str
    why: str


def make(facts: Facts, machine: Machine, request: Request) -> tuple[dict, list[Choice]]:
    """A recipe for the images of `facts` on this machine, whose batch and duration nothing was measured for yet.

    ValueError for a method or a network that is not in the tables, or that do not go together.
    """
    pixels = tables.size(facts.side, machine.platform)
    method = request.method or next(iter(tables.METHODS))
    if method not in tables.METHODS:
        unknown = spelling.unknown(method, tables.METHODS, "the methods that a recipe is made for")
        raise ValueError(f"{unknown}; `ssl-jax methods` lists the recipes of all methods, which --config names")
    published = machine.platform != "cpu" and pixels >= tables.PUBLISHED
    base = f"{method}_imagenet_{tables.METHODS[method]}" if published else f"{method}_cifar10"
    config = recipes.load(base)
    said = [
        Choice("method", method, "you named it" if request.method else "the simplest that works from small batches on"),
        Choice("recipe", base, "all that is not below is that recipe's"),
        Choice("views", f"{pixels} px", f"the images' shorter side is {facts.side} px in the middle of {facts.seen}"),
    ]
    facts = _data(config, facts, machine, request, said)
    config["probe"] = facts.classes > 1
    _net(config, facts, machine, request, pixels, said)
    _views(config, facts, pixels, said)
    _batch(config, facts, machine)
    config["duration"] = f"{epochs(facts.examples, config['batch'])} epochs"
    most = min(tables.EXAMPLES[tables.kind(machine.platform)], max(facts.examples, 1))
    config["evaluation"] = {**config.get("evaluation", {}), "examples": most}
    return config, said


def _data(config: dict, facts: Facts, machine: Machine, request: Request, said: list[Choice]) -> Facts:
    """The training set and the test set, which is held out where nobody names one; the facts of what is left."""
    share, test, why = 0.0, request.test, "you named it"
    if test == NONE:
        test, why = "", f"you said --test={NONE}"
    elif re.fullmatch(r"-?\d*\.?\d+%?", test):
        share, why = _share(test, facts), f"you said --test={test}"
    elif not test and facts.classes > 1:
        share, why = tables.held(facts.examples, facts.classes, machine.platform)
        if request.data.startswith("mix:"):
            share, why = 0.0, "nothing is held out of a mix: --test names one"
    if share:
        config["data"] = dict(train=f"rest:{share:g}*{request.data}", test=f"held:{share:g}*{request.data}")
        shown = f"{100 * share:g} % held out"
        facts = facts._replace(examples=facts.examples - int(facts.examples * share))
    else:
        config["data"], shown = dict(train=request.data, test=test), test or "none"
    config["data"]["dir"] = request.dir
    if request.test or facts.classes > 1:
        said.append(Choice("test set", shown, why))
    return facts


def _share(said: str, facts: Facts) -> float:
    """The share of --test=0.2. ValueError for none between 0 and 1, and where there are no labels to hold out."""
    if said.endswith("%") or not 0 < float(said) < 1:
        raise ValueError(f"--test={said}: the share to hold out is a number between 0 and 1, as 0.2; or name a dataset")
    if facts.classes < 2:
        raise ValueError(f"--test={said}: {facts.name} has no labels of two or more classes to hold out: leave it out")
    return float(said)


def epochs(examples: int, batch: int) -> int:
    """How long a run without a time is."""
    return max(tables.EPOCHS, math.ceil(tables.STEPS * batch / examples))


def batched(config: dict, batch: int) -> dict:
    """The recipe with another batch, and what follows from it."""
    rate = dict(config["lr"])
    if "per" not in rate:  # Adam's rates go with the root of the batch, those with `per` are linear in it already
        rate["peak"] = float(f"{rate['peak'] * math.sqrt(batch / config['batch']):.3g}")
    method = dict(config["method"])
    if method.get("queue"):
        method["queue"] = max(batch, method["queue"] // batch * batch)
    return {**config, "batch": batch, "lr": rate, "method": method}


def _net(config: dict, facts: Facts, machine: Machine, request: Request, pixels: int, said: list[Choice]) -> None:
    """The encoder, and the parts of the recipe that have its patches."""
    method, base = config["method"]["name"], config["nets"]["encoder"]
    large = machine.platform != "cpu"
    if request.net:
        name, why = request.net, "you named it"
    elif base["name"] == "resnet" and large:
        name = "resnet50" if facts.examples >= tables.MEDIUM else "resnet18"
        why = f"{facts.examples:,} images"
    elif base["name"] == "vit" and large and pixels >= tables.PUBLISHED:
        name, why = "vit_small_16", "the method's own size"
    else:
        name, why = tables.SMALL[base["name"]], "trains within minutes on this machine" if not large else "small views"
    found = tables.encoder(name, pixels)
    if method in tables.PATCHES and found["name"] != "vit":
        raise ValueError(
            f"--net={name} has no patches, and {method} hides some: take a transformer, such as vit_tiny_8"
        )
    if found["name"] == base["name"]:
        config["nets"]["encoder"] = base | found
    else:
        config["nets"]["encoder"] = found | ({"dtype": base["dtype"]} if "dtype" in base else {})
        _for_transformer(config, found)
    patch = tables.patch(found)
    for part in (config["method"], *config["nets"].values()):
        if "patch" in part:
            part["patch"] = patch
    if "decoder" in config["nets"]:
        config["nets"]["decoder"]["channels"] = facts.channels
    said.append(Choice("nets.encoder", name, why))


def _for_transformer(config: dict, net: dict) -> None:
    """AdamW at MoCo v3's rate where a transformer takes the place of a ResNet: LARS and SGD do not train one."""
    if net["name"] == "vit" and config["optimizer"]["name"] != "adamw":
        config["optimizer"] = dict(name="adamw", weight_decay=0.1)
        config["lr"] = dict(kind="cosine", peak=1.5e-4, per=256)


def _views(config: dict, facts: Facts, pixels: int, said: list[Choice]) -> None:
    """The recipe's views at another size, with the statistics of the data, and colors as far as there are some."""
    patch = tables.patch(config["nets"]["encoder"])
    largest = max(view["size"] for view in config["views"])

    def scaled(size: int) -> int:
        return max(round(size * pixels / largest / patch), 1) * patch if size != largest else pixels

    config["views"] = tuple(
        {**view, "size": scaled(view["size"]), "ops": _operations(view["ops"], facts, scaled(view["size"]))}
        for view in config["views"]
    )
    shown = ", ".join(f"{value:.3f}" for value in facts.mean[:4]) + (", ..." if facts.channels > 4 else "")
    said.append(Choice("normalize", shown, f"mean of the {facts.channels} channels of {facts.seen} images"))
    if facts.channels != 3:
        said.append(Choice("colors", "brightness, contrast", f"hue and gray need 3 channels, not {facts.channels}"))


def _operations(ops: tuple, facts: Facts, size: int) -> tuple:
    """Operations of a view, those that need it changed."""
    made = []
    for op in ops:
        args = dict(op.get("args", {}))
        if op["name"] == "normalize":
            args = dict(mean=facts.mean, std=facts.std)
        elif op["name"] == "gaussian_blur":
            args["kernel_size"] = 2 * (size // 20) + 1
        elif facts.channels != 3 and op["name"] == "color_jitter":
            args |= dict.fromkeys(COLORED, 0.0)
        elif facts.channels != 3 and op["name"] == "grayscale":
            continue
        made.append({**op, "args": args} if args else op)
    return tuple(made)


def _batch(config: dict, facts: Facts, machine: Machine) -> None:
    """As many images a step as the table has, a power of two, at most half of the dataset; and the warm-up."""
    batch = min(tables.BATCHES[machine.platform] * machine.devices, 2 ** int(math.log2(facts.examples / 2)))
    batch = max(batch // machine.devices, 1) * machine.devices
    if config["method"].get("queue"):
        config["method"]["queue"] = min(config["method"]["queue"], max(facts.examples // 2, 1))
    config |= batched(config, batch)
    groups = config["nets"]["encoder"].get("groups", 1)
    if groups > 1:
        config["nets"]["encoder"]["groups"] = math.gcd(groups, max(batch // 4, 1))
    config["lr"]["warmup"] = "5 %"
    for group in config["optimizer"].get("groups", ()):
        if group.get("freeze"):
            group["freeze"] = "5 %"
