"""A dataset -> a recipe: looks, chooses, measures, tells, keeps."""

import functools
import time

from rich.table import Table

from ssl_jax import api
from ssl_jax.choosing import facts, kept, measured, recipe, reserve
from ssl_jax.choosing.recipe import Choice, Request
from ssl_jax.data import sources
from ssl_jax.reporting import terminal
from ssl_jax.run import baselines


def choose(
    request: Request, workdir: str, *, changes: dict[str, str] | None = None, begun: float | None = None
) -> dict:
    """The recipe for a dataset on this machine; the one that was chosen before where the work directory has one.

    Prints what was chosen and why, and writes choices.json and recipe.py. changes: {"batch": "64"}, as on the command
    line; they are measured with, and not part of what is returned. begun: when the time of the request began, by
    `time.monotonic`. ValueError, in one sentence, for data, a method, a network or a time that cannot be.
    """
    begun, changes = time.monotonic() if begun is None else begun, changes or {}
    if (known := kept.of(workdir, request)) is not None:
        return known
    console = terminal.output(highlight=False)
    source = sources.open(request.data, data_dir=request.dir or None, **_reading(changes))
    found, machine = facts.of(source, console), facts.here()
    api.keep_compiled()  # what is compiled for its memory is run for its time
    config, said = recipe.make(found, machine, request)
    with console.status("compiling a step and timing it with the data"):
        config, job, program, lines, opening = measured.fitted(config, changes, machine, console.print)
        compiling, step = measured.seconds_a_step(job, program)
    if request.seconds and "duration" not in changes:
        with console.status("measuring what the random network is worth, and how long that takes"):
            rest = reserve.measured(job, program)
        spent = time.monotonic() - begun + opening + compiling  # the run does both again
        config["duration"], length = measured.duration(request.seconds, spent, step, functools.partial(rest.of, job))
        timed = {**job.config, "duration": config["duration"]}
        baselines.keep(job._replace(config=timed), rest.known)
    else:
        length = measured.estimate(job, step)
    said += [*lines, length]
    kept.write(workdir, request, config, said)
    console.print(table(found, said))
    console.print(f"the recipe  {workdir}/{kept.RECIPE}; --config.KEY=VALUE changes any of it")
    return config


def table(found: facts.Facts, said: list[Choice]) -> Table:
    """The choices for a terminal."""
    labels = f"{found.classes} classes" if found.classes else "no labels"
    lost = f", {found.unreadable} of {found.seen} unreadable" if found.unreadable else ""
    title = f"{found.name}: {found.examples:,} images, {found.channels} channels of {found.bits} bits, {labels}{lost}"
    out = Table("what", "choice", "why", title=title, title_justify="left")
    for choice in said:
        out.add_row(*choice)
    return out


def _reading(changes: dict[str, str]) -> dict[str, int]:
    """Channels and bits that the command line says."""
    return {
        key: int(changes[f"data.{key}"]) for key in ("channels", "bits") if changes.get(f"data.{key}", "").isdigit()
    }
