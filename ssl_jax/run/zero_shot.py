"""Zero-shot classification: the class of an image is that whose name, as a text, lies nearest.

Radford et al. 2021 (arXiv:2103.00020, section 3.1): each name stands in several prompts, whose unit projections are
averaged, and nothing is learned from the dataset. Labels serve the score alone.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np

from ssl_jax.data.sources import Source, labeled
from ssl_jax.evals import retrieval
from ssl_jax.run import evaluation, matching, protocols
from ssl_jax.run.evaluation import CHANCE
from ssl_jax.run.job import Job, Preprocess
from ssl_jax.run.protocols import ZERO_SHOT
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState
from ssl_jax.views import compose_device, compose_host

BLANK = "{}"
"""Where the name of a class stands in a prompt."""
CUTS = (1, 5)


def check(prompts: Sequence[str]) -> None:
    """Raises ValueError where there is no prompt, and for one without a place for the name of a class."""
    if not prompts:
        raise ValueError(f"there is no prompt; give one or more, such as 'a photo of a {BLANK}.'")
    for prompt in prompts:
        if not isinstance(prompt, str) or prompt.count(BLANK) != 1:
            raise ValueError(f"the prompt {prompt!r} needs one {BLANK}, where the name of a class stands")


def impossible(job: Job, test: Source | None) -> str:
    """Why nothing can be measured on a test set; "" where it can."""
    if not {"image", "text"} <= set(job.clean.inputs):
        return f"it compares images with texts, and the encoder takes {', '.join(job.clean.inputs)}"
    if test is None or "image" not in test.parts or not labeled(test):
        return "it wants a test set of images with labels"
    return "" if len(test.classes) > 1 else f"the classes of {test.name} have no names, or there is one"


def measured(job: Job, test: Source | None, program: Program, states: dict[str, Callable[[], TrainState]]) -> dict:
    """{"zero_shot": {"chance", encoder: top-1 in 0..1 or None}, "not_measured", "details": {encoder: ...}}; {} unasked.

    job: of the encoder, whose clean views and `evaluation.prompts` count. test: images with labels, of any source.
    """
    if ZERO_SHOT not in protocols.asked(job.evaluation["final"]):
        return {}
    if reason := impossible(job, test):
        return {ZERO_SHOT: dict.fromkeys((CHANCE, *states)), "not_measured": {ZERO_SHOT: reason}}
    row, details, why = {CHANCE: 1 / len(test.classes)}, {}, {}
    embed = jax.jit(lambda params, held, **inputs: job.method.embed(params, held, inputs))
    tokens = prompted(test.classes, job)
    for name, make in states.items():
        try:
            state = make()
            found = scores(job, test, program, functools.partial(embed, state.params, state.method_state), tokens)
        except ValueError as error:
            row[name], why[name] = None, str(error)
            continue
        row[name] = found["top_1"]
        details[name] = {ZERO_SHOT: found | {"prompts": list(job.evaluation["prompts"]), "classes": len(test.classes)}}
    return {ZERO_SHOT: row, "not_measured": why, "details": details}


def scores(job: Job, test: Source, program: Program, embed: Callable, tokens: np.ndarray) -> dict[str, float]:
    """{"top_1", "top_5" (of five classes or more), "mean_per_class"}, in 0..1, of one encoder.

    embed: of the parts that it is given, by name, their projections. tokens: of `prompted`. Raises ValueError where
    features are not finite, and where no image can be read.
    """
    text = lambda tokens: embed(text=tokens)[matching.TEXT]  # noqa: E731
    classes = class_vectors(tokens, text, job.evaluation["batch"])
    alone = only(job, "image")

    def images(views: dict) -> dict:
        (pixels,) = alone.device(jax.random.key(0), views).values()
        return {"pool": embed(image=pixels[:, 0])[matching.IMAGE]}

    rows = evaluation.read(job, program, test, images, views=alone)
    kept = rows.valid & (rows.y >= 0)
    return ranked(rows.x[kept], classes, rows.y[kept])


def ranked(images: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """What `scores` gives, of projections [n, d] of images, vectors [k, d] of classes and labels int [n]."""
    search = functools.partial(retrieval.recall, candidates=classes)
    cuts = [k for k in CUTS if k <= len(classes)]
    right = np.arange(len(classes)) == labels[:, None]
    tops = search(images, right=right, ks=cuts)
    each = [search(images[labels == c], right=right[labels == c], ks=(1,))[1] for c in np.unique(labels)]
    return {**{f"top_{k}": tops[k] for k in cuts}, "mean_per_class": float(np.mean(each))}


def prompted(names: Sequence[str], job: Job) -> np.ndarray:
    """int32 [classes, prompts, l]: the tokens of each name in each prompt. Underscores in names are read as blanks."""
    prompts, host = job.evaluation["prompts"], only(job, "text").host
    texts = [prompt.replace(BLANK, name.replace("_", " ")) for name in names for prompt in prompts]
    tokens = [next(iter(compose_host.alone(host, text, part="text").values()))[0] for text in texts]
    return np.stack(tokens).reshape(len(names), len(prompts), -1)


def class_vectors(tokens: np.ndarray, embed: Callable, batch: int) -> np.ndarray:
    """[classes, d]: for each class the mean of the unit projections of its prompts (section 3.1.4).

    tokens: of `prompted`. embed: tokens int32 [b, l] -> projections [b, d]. Raises ValueError where these are not
    finite.
    """
    rows = tokens.reshape(-1, tokens.shape[-1])
    batch = min(batch, len(rows))
    padded = np.pad(rows, ((0, -len(rows) % batch), (0, 0)), mode="edge")
    found = np.concatenate([np.asarray(embed(padded[i : i + batch])) for i in range(0, len(padded), batch)])
    return retrieval.unit(found[: len(rows)], "names of classes").reshape(*tokens.shape[:2], -1).mean(1)


def only(job: Job, part: str) -> Preprocess:
    """The clean view of one part of an example."""
    views = tuple(view for view in job.clean.views if view.of == part)
    return Preprocess(views, compose_host.host(views), compose_device.device(views))
