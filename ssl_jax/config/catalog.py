"""What methods there are: the cards of the files of methods/, and the recipes."""

import inspect
from types import ModuleType

import ssl_jax
from ssl_jax.checks import spelling
from ssl_jax.config import recipes, registry
from ssl_jax.types import Card, Method

FAMILIES = (
    *("joint embedding", "masked modeling", "pretext task", "reconstruction", "multimodal", "distillation"),
    "supervised",
)
FORM = 'CARD = Card("Title", "family", year, "arXiv:1234.56789")'


def methods() -> list[dict]:
    """One row a method: name, title, family, paper, year, needs, paradigm, recipes.

    Methods whose file cannot be imported have none; `registry.broken` names them. Raises ValueError where a file of
    methods/ has no card.
    """
    known = {name: recipes.load(name)["method"]["name"] for name in recipes.names()}
    rows = []
    for name, make in registry.listing("methods", Method).items():
        module = inspect.getmodule(make)
        row = {"name": name, **card(module)._asdict(), "paradigm": paradigm(module)}
        rows.append({**row, "recipes": [r for r, m in known.items() if m == name]})
    return rows


def needs(config: dict) -> tuple[str, ...]:
    """What an example must have for the recipe's method, as its card says."""
    module = inspect.getmodule(registry.find("methods", config["method"]["name"], Method))
    return getattr(module, "CARD", Card("", "", 0)).needs


def targets(config: dict) -> int:
    """Numbers to predict that an example has where there is no dataset to ask: 1 if the recipe's method reads them."""
    return int("target" in needs(config))


def card(module: ModuleType) -> Card:
    """The card of a method's file. Raises ValueError, with the form, where there is none or its family is unknown."""
    found = getattr(module, "CARD", None)
    if not isinstance(found, Card):
        raise ValueError(f"{module.__name__} has no card; write {FORM} below its imports")
    if found.family not in FAMILIES:
        raise ValueError(f"{module.__name__}: {spelling.unknown(found.family, FAMILIES, 'the families of methods')}")
    return found


def paradigm(module: ModuleType) -> str:
    """The paradigm that a method's file calls, or "its own"."""
    room = f"{ssl_jax.__name__}.paradigms."
    called = (f.__module__ for f in vars(module).values() if inspect.isfunction(f) and f.__module__.startswith(room))
    return next((name.removeprefix(room) for name in called), "its own")
