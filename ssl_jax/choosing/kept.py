"""A choice on disk, so that the same command goes on with it: choices.json, and recipe.py for people."""

import json
import pprint

from etils import epath

from ssl_jax.choosing.recipe import Choice, Request
from ssl_jax.config import recipes
from ssl_jax.storage import files

NAME, RECIPE = "choices.json", "recipe.py"


def of(workdir: str, request: Request) -> dict | None:
    """The recipe that an earlier call has chosen for the same request; None where there was none.

    ValueError where it was another request, or where the work directory has a run of a recipe that somebody named.
    """
    path = epath.Path(workdir) / NAME
    if not path.exists():
        if (epath.Path(workdir) / "config.json").exists():
            raise ValueError(
                f"{workdir} holds a run of a recipe that was named: go on with --config={workdir}/config.json, or name "
                "another --workdir"
            )
        return None
    noted = json.loads(path.read_text())
    wrong = [
        f"--{'time' if key == 'seconds' else key} was {noted['request'].get(key)!r}, is {value!r}"
        for key, value in request._asdict().items()
        if noted["request"].get(key) != value
    ]
    if wrong:
        raise ValueError(f"{workdir} holds what was chosen for another request ({'; '.join(wrong)}): name another")
    return recipes.tuples(noted["config"])


def write(workdir: str, request: Request, config: dict, choices: list[Choice]) -> None:
    """Both files; the JSON last, since it is what counts."""
    folder = epath.Path(workdir)
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / RECIPE, text(request, config, choices))
    noted = {"request": request._asdict(), "choices": [choice._asdict() for choice in choices], "config": config}
    files.write(folder / NAME, json.dumps(noted, indent=1) + "\n")


def text(request: Request, config: dict, choices: list[Choice]) -> str:
    """A recipe file with the reasons in it."""
    width = max(len(choice.what) for choice in choices)
    lines = [f"{choice.what:<{width}}  {choice.value}: {choice.why}" for choice in choices]
    body = pprint.pformat(config, width=116, sort_dicts=False).replace("\n", "\n    ")
    shown = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return (
        f'"""A recipe that was chosen for {request.data}.\n\n{shown}\n"""\n\n\n'
        f'def get_config() -> dict:\n    """To be changed, and trained by --config=FILE."""\n    return {body}\n'
    )
