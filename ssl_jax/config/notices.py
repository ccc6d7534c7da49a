"""What a recipe says that can be run and is hardly meant: a sentence for each, read before the run begins."""

from collections.abc import Iterator

from ssl_jax import monitors
from ssl_jax.config import durations
from ssl_jax.config.durations import Clock
from ssl_jax.optim import schedules
from ssl_jax.types import Method, View
from ssl_jax.views import compose

LENGTHS = {
    "warmup": "its peak is never reached",
    "over": "its end is never reached",
    "at": "that step of it is never made",
}
"""Parts of a schedule that are durations, and what follows where the run is shorter."""


def of(config: dict, clock: Clock, method: Method) -> tuple[str, ...]:
    """The sentences about a resolved recipe and the clock of its run."""
    method_and_views = (*_method(config, clock, method), *_likelihood(config), *_views(config["views"]))
    return (*_lengths(config, clock), *_rates(config, clock), *_selection(config), *method_and_views)


def _lengths(config: dict, clock: Clock) -> Iterator[str]:
    """Schedules and periods that are longer than the run."""
    run = f"the run has {clock.total} steps"
    for path, spec in _schedules({key: config[key] for key in ("lr", "method", "optimizer")}):
        for name, sentence in LENGTHS.items():
            lengths = spec.get(name, ()) if name == "at" else [length for length in [spec.get(name)] if length]
            for length in lengths:
                steps = schedules.steps(length, clock) if isinstance(length, str) or name == "warmup" else 0
                if steps > clock.total:
                    yield f"config.{path}.{name} is {length!r}, {steps} steps, and {run}: {sentence}"
    for i, group in enumerate(config["optimizer"]["groups"]):
        freeze = group.get("freeze") or "always"
        if freeze != "always" and durations.steps(freeze, clock) >= clock.total:
            yield f"config.optimizer.groups.{i}.freeze is {freeze!r} and {run}: these parameters never learn"
    for part, rest in (("checkpoint", "only the end is saved"), ("evaluation", "only the end is evaluated")):
        every = config[part]["every"]
        if every != "never" and durations.steps(every, clock) > clock.total:
            yield f"config.{part}.every is {every!r}, {durations.steps(every, clock)} steps, and {run}: {rest}"


def _schedules(node: object, path: str = "") -> Iterator[tuple[str, dict]]:
    """(key, schedule) of all that a part of the recipe has."""
    if isinstance(node, dict) and "kind" in node:
        yield path, node
    elif isinstance(node, dict | tuple):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _schedules(value, f"{path}.{key}" if path else str(key))


def _rates(config: dict, clock: Clock) -> Iterator[str]:
    """A rate or an average that moves nothing, a batch that is larger than the dataset."""
    if clock.total and not any(schedules.turns(config["lr"], clock.batch)):
        yield "config.lr is 0 all the time: nothing is learned"
    decay = config["method"].get("ema_decay")
    if decay is not None and min(schedules.turns(decay, clock.batch)) == 1:
        yield "config.method.ema_decay is 1 all the time: the teacher stays as it was at random"
    if clock.batch > clock.examples:
        yield (
            f"config.batch is {clock.batch} and the dataset has {clock.examples} examples: "
            "a batch has examples more than once"
        )


def _selection(config: dict) -> Iterator[str]:
    """A checkpoint that is chosen by the labels that score it afterwards."""
    prefix, _, name = config["checkpoint"]["best"].partition(" ")[2].partition("/")
    if prefix != "eval" or name in monitors.REPORT or config["evaluation"]["validation"] or not config["data"]["test"]:
        return
    train = config["data"]["train"]
    yield (
        f"config.checkpoint.best chooses a checkpoint by eval/{name} on the test set, whose scores of it are too good "
        f"then; choose on a part of the training set, --config.evaluation.validation='held:0.1*{train}' with "
        f"--config.data.train='rest:0.1*{train}'"
    )


def _method(config: dict, clock: Clock, method: Method) -> Iterator[str]:
    """Queues that are never full or older than an epoch, passes over the data that never come."""
    queue, start = (config["method"].get(name) or 0 for name in ("queue", "queue_start"))
    rows = clock.total * clock.batch
    if queue > rows:
        yield f"config.method.queue has {queue} rows and the run writes {rows}: it is never full"
    if queue > clock.examples:
        yield (
            f"config.method.queue has {queue} rows and the dataset {clock.examples} examples: "
            "it holds examples more than once"
        )
    if queue and start >= clock.total:
        yield f"config.method.queue_start is {start} and the run has {clock.total} steps: the queue is never used"
    steps = range(max(clock.total, 1))
    for number, one in enumerate(method.passes, 1):
        if not any(one.due(step, clock) for step in steps):
            yield (
                f"config.duration: the run of {clock.total} steps, {rows} examples of {clock.examples}, ends before "
                f"pass {number} of {config['method']['name']} over the data is due: it is never made"
            )


def _likelihood(config: dict) -> Iterator[str]:
    """Pixels that are no shares of coin throws: a Bernoulli likelihood of them is finite, and means nothing."""
    if config["method"].get("likelihood") != "bernoulli":
        return
    for i, view in enumerate(config["views"]):
        for op in view["ops"]:
            if op["name"] == "normalize" and {*op["args"]["mean"]} | {*op["args"]["std"]} != {0.0, 1.0}:
                yield (
                    f"config.method.likelihood is 'bernoulli', and config.views.{i} are normalized and not in 0..1: "
                    "give them a mean of 0 and a std of 1, or take 'gaussian'"
                )


def _views(data: tuple[dict, ...]) -> Iterator[str]:
    """Views of one image that are all alike."""
    groups: dict[str, list[View]] = {}
    for view in compose.views(data):
        groups.setdefault(view.group, []).extend([view] * view.count)
    for group, views in groups.items():
        if len(views) > 1 and len({str(view.ops) for view in views}) == 1 and not compose.random(views[0]):
            yield f"config.views: no operation of group '{group}' is random: its {len(views)} views are all alike"
