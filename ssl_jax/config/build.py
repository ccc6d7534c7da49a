"""Recipe -> job. The only reader of configs: below this door there are arguments with names."""

import contextlib
import inspect
from collections.abc import Iterator

import jax
import numpy as np
import optax

from ssl_jax.checks import spelling
from ssl_jax.config import catalog, dry_run, durations, notices, recipes, schema
from ssl_jax.data import captions, classes, sources
from ssl_jax.data.parts import Part, spec
from ssl_jax.evals import suite
from ssl_jax.optim import chain, schedules
from ssl_jax.paradigms import chunks
from ssl_jax.paradigms.monitored import with_monitors
from ssl_jax.paradigms.probe import with_probe
from ssl_jax.run import passing, protocols, zero_shot
from ssl_jax.run.health import Limits
from ssl_jax.run.job import Every, Job, Preprocess
from ssl_jax.storage.checkpoint import Keep
from ssl_jax.types import Examples, Method, Net, Schedule
from ssl_jax.views import compose, compose_device, compose_host, vocabularies

KNOWN = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
"""ImageNet's statistics, which do for photos."""
YEAR = 31_536_000
"""Seconds; what waits for longer waits for ever."""


def job(config: dict) -> Job:
    """Everything that a run needs, from a resolved recipe. Opens the data; touches no device."""
    train, test, differing = opened(config["data"])
    validation, unlike = validating(config, train)
    config = with_vocabularies(config, train)
    if config["probe"] and not sources.labeled(train):
        raise ValueError(f"{train.name} has no labels for the online probe to learn from; set config.probe=False")
    if config["probe"] and classes.count(train) == 1:
        raise ValueError(f"{train.name} has one class, and the online probe needs two or more; set config.probe=False")
    if "label" in catalog.needs(config) and not sources.labeled(train):
        name = config["method"]["name"]
        raise ValueError(f"{train.name} has no labels, and {name} learns from them; take data with labels, or simclr")
    clock = clock_of(config, train.size)
    check(config, clock)
    method, optimizer = method_and_optimizer(config, clock, classes.count(train))
    passing.check_length(config["duration"], method, clock)
    check_channels(config, train)
    training, clean = (preprocess(config[key], config["photometric"]) for key in ("views", "clean"))
    return Job(
        config=config,
        digest=recipes.digest(config),
        seed=config["seed"],
        clock=clock,
        method=method,
        optimizer=optimizer,
        logged=logged(config, clock),
        train=train,
        test=test,
        validation=validation,
        training=training,
        clean=clean,
        shapes=shapes(training, config["batch"], train.parts, 0 if train.targets is None else train.targets.shape[1]),
        mesh=config["mesh"],
        patience=config["processes"]["agree"],
        every=Every(*(config[key]["every"] for key in ("log", "checkpoint", "evaluation"))),
        trackers={name: config["log"][name] for name in ("wandb", "mlflow") if config["log"][name]},
        keep=keep(config["checkpoint"], clock),
        health=Limits(**config["health"]).checked(),
        evaluation={k: v for k, v in config["evaluation"].items() if k != "every"},
        notices=(*told(train, test), *differing, *unlike, *notices.of(config, clock, method)),
    )


def opened(data: dict) -> tuple[sources.Source, sources.Source | None, tuple[str, ...]]:
    """The training set, the test set with the same classes and channels, and what of its classes does not fit."""
    options = {"data_dir": data["dir"] or None}
    with about("data.train"):
        train = sources.open(data["train"], **options, channels=data["channels"], bits=data["bits"])
    if not data["test"]:
        return train, None, ()
    with about("data.test"):
        test = _beside(train, data["test"], options)
    return train, *classes.alike(train, test)


def validating(config: dict, train: sources.Source) -> tuple[sources.Source | None, tuple[str, ...]]:
    """What `evaluation.validation` names, with the classes of the training set, and sentences about it."""
    name = config["evaluation"]["validation"]
    if not name:
        return None, ()
    with about("evaluation.validation"):
        source, differing = classes.alike(train, _beside(train, name, {"data_dir": config["data"]["dir"] or None}))
    same = f"evaluation.validation is the same data as data.train ({train.name}): scores say what is memorized"
    return source, (*differing, *([same] if source.digest == train.digest else []))


def _beside(train: sources.Source, text: str, options: dict) -> sources.Source:
    """Another dataset, its images with the channels and bits of those of training. Raises ValueError where it has other
    parts."""
    source = sources.open_like(train, text, **options)
    _check_alike(train, source)
    return source


def _check_alike(train: sources.Source, test: sources.Source) -> None:
    """Raises ValueError for other parts, other sensors or other numbers to be predicted than training has."""
    if not train.parts.keys() & test.parts.keys():
        parts = [", ".join(source.parts) for source in (test, train)]
        raise ValueError(f"an example of {test.name} has {parts[0]}, and one of {train.name} has {parts[1]}")
    sensors = [source.parts["series"].channels for source in (train, test) if "series" in source.parts]
    targets = [source.targets.shape[1] for source in (train, test) if source.targets is not None]
    for what, counts in (("sensors", sensors), ("targets", targets)):
        if len(set(counts)) > 1:
            raise ValueError(f"{test.name} has {counts[1]} {what}, and {train.name} has {counts[0]}")


def with_vocabularies(config: dict, train: sources.Source) -> dict:
    """The recipe with the pieces that texts are cut into, learned from the training set where it leaves them open."""
    every = (*config["views"], *config["clean"])
    with about("views"):
        merges = {**captions.learned(vocabularies.left_open(every), train), **vocabularies.known(every)}
    vocabularies.check(every, config["nets"])
    return {**config, **{part: vocabularies.filled(config[part], merges) for part in ("views", "clean")}}


def told(train: sources.Source, test: sources.Source | None) -> list[str]:
    """Sentences about the data."""
    if test is None:
        return list(train.notices)
    same = f"data.test is the same data as data.train ({train.name}): scores say what is memorized, not what is learned"
    both = dict.fromkeys((*train.notices, *test.notices))  # two parts of one source say the same
    return [*both, *([same] if test.digest == train.digest else [])]


@contextlib.contextmanager
def about(path: str) -> Iterator[None]:
    """A complaint of what is called inside names the part of the recipe that it is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"config.{path}: {error}") from error


def clock_of(config: dict, examples: int) -> durations.Clock:
    """The run's clock on a dataset of so many examples. Raises ValueError for a batch or a duration that cannot be."""
    with about("duration" if config["batch"] > 0 else "batch"):
        return durations.run(config["duration"], examples=examples, batch=config["batch"])


def check_channels(config: dict, train: sources.Source) -> None:
    """Raises ValueError, with the flags that help, where `normalize` has not a mean for each channel of the images."""
    if "image" not in train.parts:
        return
    for part in ("views", "clean"):
        views = [(f"{part}.{i}", view) for i, view in enumerate(config[part]) if view.get("of", "image") == "image"]
        places = [(f"{path}.ops.{j}", op) for path, view in views for j, op in enumerate(view["ops"])]
        means = [(f"config.{path}.args", op["args"]["mean"]) for path, op in places if op["name"] == "normalize"]
        wanted = train.image.channels
        wrong = [(path, mean) for path, mean in means if len(mean) != wanted]
        if wrong:
            count = len(wrong[0][1])
            known = KNOWN if wanted == 3 else dict.fromkeys(KNOWN, (0.5,) * wanted)
            write = " ".join(f'"--{path}.{name}={value}"' for path, _ in wrong for name, value in known.items())
            instead = f", or decode all images to {count} with --config.data.channels={count}"
            possible = config["data"]["train"].partition(":")[0] in sources.ENCODED and {count, wanted} <= {1, 3, 4}
            raise ValueError(
                f"{wrong[0][0]}.mean is of {count} channels and the images of {train.name} have {wanted}: "
                f"write one number for each, as `ssl-jax data check` prints them, {write}{instead if possible else ''}"
            )


def check(config: dict, clock: durations.Clock) -> None:
    """Raises ValueError for a number or a period of the run's course that would be noticed only on the way."""
    if not 0 <= config["seed"] < 2**31:
        raise ValueError(f"config.seed is {config['seed']}; it must be a whole number from 0 to {2**31 - 1}")
    if config["chunks"] < 1 or config["batch"] % config["chunks"]:
        raise ValueError(f"config.chunks is {config['chunks']}; a batch of {config['batch']} needs one of its divisors")
    for part, key in (("checkpoint", "keep"), ("evaluation", "examples"), ("evaluation", "batch"), ("mesh", "fsdp")):
        if config[part][key] < 1:
            raise ValueError(f"config.{part}.{key} is {config[part][key]}; it must be 1 or more")
    if config["mesh"]["data"] != -1 and config["mesh"]["data"] < 1:
        raise ValueError(f"config.mesh.data is {config['mesh']['data']}; it must be 1 or more, or -1 for all devices")
    for key, seconds in config["processes"].items():
        if not 1 <= seconds <= YEAR:
            raise ValueError(f"config.processes.{key} is {seconds}; it must be a number of seconds from 1 to {YEAR}")
    with about("evaluation.final"):
        protocols.asked(config["evaluation"]["final"])
    with about("evaluation.prompts"):
        zero_shot.check(config["evaluation"]["prompts"])
    with about("evaluation.during"):
        suite.asked(config["evaluation"]["during"])
    for part in ("log", "checkpoint", "evaluation"):
        with about(f"{part}.every"):
            durations.due(config[part]["every"], 1, clock)


def method_and_optimizer(
    config: dict, clock: durations.Clock, classes: int
) -> tuple[Method, optax.GradientTransformation]:
    """The method with its probe and monitors, and the optimizer with a group for the probe."""
    make = schema.method_of(config)
    arguments = nets_of(config, {})
    for name, p in inspect.signature(make).parameters.items():
        if p.annotation is Schedule:
            with about(f"method.{name}"):
                arguments[name] = schedules.named(name, config["method"][name], clock)
        elif p.annotation is Examples:
            arguments[name] = clock.examples
        elif name in config["method"]:
            arguments[name] = config["method"][name]
    with about("method"):
        made = make(**arguments)
        if not isinstance(made, Method):
            raise ValueError(f"{config['method']['name']} makes a {type(made).__name__}, which is no Method")
    for name in config["start"]:
        if name not in made.encoders:
            unknown = spelling.unknown(name, made.encoders, f"the encoders of {config['method']['name']}")
            raise ValueError(f"config.start: {unknown}")
    if config["chunks"] > 1:  # which nets are encoders is known of the method that is made
        roles = {place.net for place in made.encoders.values()}
        made = make(**arguments | nets_of(config, dict.fromkeys(roles, config["chunks"])))
    with about("method"):
        method = with_monitors(made)
    options = dict(config["optimizer"])
    if config["probe"]:
        method = with_probe(method, classes)
        probe = dict(match="^probe/", name="adamw", lr=1e-3, weight_decay=0.0)
        options["groups"] = (probe, *options.get("groups", ()))
    with about("lr"):
        schedules.make(config["lr"], clock)
    with about("optimizer"):
        return method, chain.make(lr=config["lr"], clock=clock, **options)


def nets_of(config: dict, chunked: dict[str, int]) -> dict[str, Net]:
    """The recipe's nets by the parameters of its method. chunked: roles whose net meets a batch in so many parts.

    Raises ValueError for a net that the method needs and the recipe has not, and the reverse.
    """
    name, roles, nets = config["method"]["name"], schema.roles(schema.method_of(config)), {}
    for role, needed in roles.items():
        if needed and role not in config["nets"]:
            raise ValueError(f"config.nets: the method {name} needs nets.{role}")
    for role, net in config["nets"].items():
        if role not in roles:
            raise ValueError(f"config.nets: {spelling.unknown(role, roles, f'the nets of {name}')}")
        with about(f"nets.{role}"):
            nets[role] = chunks.made(schema.net_of(role, net), _options(net), chunked.get(role, 1))
    return nets


def keep(part: dict, clock: durations.Clock) -> Keep:
    """Which checkpoints stay. Raises ValueError for a duration or a best that cannot be."""
    with about("checkpoint.keep_every"):
        durations.due(part["keep_every"], 1, clock)
    with about("checkpoint.best"):
        return Keep(part["keep"], lambda step: durations.due(part["keep_every"], step, clock), part["best"]).checked()


def _options(net: dict) -> dict:
    return {k: v for k, v in net.items() if k != "name"}


def logged(config: dict, clock: durations.Clock) -> dict[str, Schedule]:
    """The schedules whose values belong in the log, by name: every one of the recipe.

    "lr", and its effective peak at this batch as "lr_peak"; "schedule/ema_decay" and the like, those of the method;
    "schedule/weight_decay", and "schedule/groups.0/lr" of a group of parameters, where they are scheduled.
    """
    optimizer, parameters = config["optimizer"], inspect.signature(schema.method_of(config)).parameters
    found = {"lr": config["lr"], "lr_peak": schedules.scale(config["lr"], clock.batch)}
    found |= {f"schedule/{n}": config["method"][n] for n, p in parameters.items() if p.annotation is Schedule}
    for place, part in [("", optimizer), *((f"groups.{i}/", group) for i, group in enumerate(optimizer["groups"]))]:
        scheduled = [name for name in ("lr", "weight_decay") if isinstance(part.get(name), dict)]
        found |= {f"schedule/{place}{name}": part[name] for name in scheduled}
    return {name: schedules.make(spec, clock) for name, spec in found.items()}


def preprocess(views: tuple, photometric: str) -> Preprocess:
    """Views as data -> the host's function and the device's."""
    records = compose.views(views)
    host = compose_host.host(records, photometric=photometric)
    return Preprocess(records, host, compose_device.device(records, photometric=photometric))


def shapes(training: Preprocess, batch: int, parts: dict[str, Part], targets: int = 0) -> dict:
    """ShapeDtypeStructs of one global batch as the host makes it, of examples that consist of `parts`.

    targets: numbers to predict that an example has. Raises ValueError where no views can be made of such examples.
    """
    with dry_run.part("config.views cannot be made"):
        made = compose_host.specs(training.host, {name: spec(part) for name, part in parts.items()})
    views = {
        group: jax.ShapeDtypeStruct((batch, *view.shape), view.dtype.as_numpy_dtype) for group, view in made.items()
    }
    known = {key: jax.ShapeDtypeStruct((batch,), np.int32) for key in ("index", "label")}
    known |= {"target": jax.ShapeDtypeStruct((batch, targets), np.float32)} if targets else {}
    return views | known
