"""What a work directory holds already, compared with the job that is to go on in it."""

import contextlib
import json

from etils import epath

from ssl_jax.config import build, durations, recipes, schema
from ssl_jax.reporting import report
from ssl_jax.run.job import Job
from ssl_jax.storage import files
from ssl_jax.storage.checkpoint import Checkpoints
from ssl_jax.views import vocabularies

DATA = "data.json"
"""Which data a run has: what it is called, its digest and its size."""
ROLES = ("train", "test")
JUMP = 0.01
"""A change of a schedule by more than this share of it is told."""


def begun(job: Job, workdir: str) -> None:
    """Makes the work directory, with its resolved recipe and the digests of its data."""
    folder = epath.Path(workdir)
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / "config.json", json.dumps(job.config, indent=2) + "\n")
    files.write(folder / DATA, json.dumps({role: report.card(getattr(job, role)) for role in ROLES}, indent=2) + "\n")


def recipe(workdir: str) -> dict | None:
    """The resolved recipe of the run in a work directory; None where there is none.

    One that cannot be read, as after the crash of a machine, counts as none where there is no checkpoint yet. Else
    raises ValueError, since nobody could tell whether the checkpoints are of the recipe that is given.
    """
    path = epath.Path(workdir) / "config.json"
    if not path.exists():
        return None
    try:
        found = recipes.load(str(path))
    except ValueError as error:
        if not steps(workdir):
            return None
        raise ValueError(
            f"{path} is damaged ({error}), and nothing else tells whether the checkpoints are of this recipe: remove "
            "the file to go on with the recipe that you give, or name another --workdir"
        ) from error
    return schema.resolve(found)


def check_recipe(full: dict, workdir: str) -> None:
    """Raises ValueError where the work directory holds a run of another recipe; see `recipes.FREE`."""
    old = recipe(workdir)
    if old is not None:
        recipes.check_same(old, full, workdir, free=recipes.PLACES if _data(workdir) else ())


def taken_over(full: dict, workdir: str) -> dict:
    """The recipe with what the run in the work directory has learned of its captions, where it leaves that open."""
    old = recipe(workdir)
    merges = vocabularies.known((*old["views"], *old["clean"])) if old else {}
    return {**full, **{part: vocabularies.filled(full[part], merges) for part in ("views", "clean")}}


def check_data(job: Job, workdir: str, roles: tuple[str, ...] = ROLES) -> None:
    """Raises ValueError where the run in the work directory has other data, wherever they lie and whatever their name.

    Runs of earlier versions did not note their digests.
    """
    known = _data(workdir)
    for role in roles if known else ():
        old, new = known.get(role), report.card(getattr(job, role))
        if (old or {}).get("digest") != (new or {}).get("digest"):
            raise ValueError(
                f"{workdir} holds a run on other data: data.{role} was {_told(old)}, is {_told(new)}; use another "
                "--workdir or the old data, which may lie elsewhere than then"
            )


def jumps(job: Job, workdir: str) -> list[str]:
    """Sentences about schedules that jump where a run goes on, since its length is another one than before."""
    old, there = recipe(workdir), steps(workdir)
    if old is None or not there or old["duration"] == job.config["duration"]:
        return []
    clock = durations.run(old["duration"], examples=job.clock.examples, batch=job.clock.batch)
    if clock.total == job.clock.total or there[-1] >= job.clock.total:
        return []
    step, found = there[-1], []
    for name, before in build.logged(old, clock).items():
        last, planned, next_ = (float(f(s)) for f, s in ((before, step - 1), (before, step), (job.logged[name], step)))
        if abs(next_ - planned) > JUMP * max(abs(planned), abs(next_)):
            found.append(f"{name} from {last:.3g} to {next_:.3g}")
    if not found:
        return []
    return [
        f"{workdir} goes on after step {step} with {job.clock.total} steps in all instead of {clock.total}, and what "
        f"is scheduled over the whole run jumps: {', '.join(found)}; for one even course name another --workdir"
    ]


def steps(workdir: str) -> list[int]:
    """The steps of the checkpoints that there are."""
    folder = epath.Path(workdir) / "checkpoints"
    if not folder.exists():
        return []
    with contextlib.closing(Checkpoints(str(folder), None)) as saved:
        return saved.steps()


def _data(workdir: str) -> dict:
    """What is noted of the data of the run; {} where nothing is, or nothing that can be read."""
    try:
        found = json.loads((epath.Path(workdir) / DATA).read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _told(card: dict | None) -> str:
    return f"{card['source']} ({card['examples']} examples, digest {card['digest']})" if card else "none"
