"""What methods there are: read off the files of methods/ and the recipes."""

import inspect
import re

from ssl_jax import recipes, registry
from ssl_jax.types import Method

FAMILIES = {
    "joint_embedding": "joint embedding",
    "self_distillation": "joint embedding",
    "masked_modeling": "masked modelling",
    "pretext": "pretext task",
}
CITATION = re.compile(r"\((?P<authors>[^()]*?)(?P<year>\d{4}), arXiv:(?P<arxiv>[\d.]+)")


def methods() -> list[dict]:
    """One row a method: name, title, family, paper (arXiv number), year, paradigm, recipes."""
    known = {name: recipes.load(name)["method"]["name"] for name in recipes.names()}
    rows = []
    for name, make in registry.listing("methods", Method).items():
        source = inspect.getsource(inspect.getmodule(make))
        doc = inspect.getmodule(make).__doc__
        cited = CITATION.search(doc)
        paradigm = next((p for p in FAMILIES if f"paradigms.{p} import" in source), "its own")
        rows.append(
            {
                "name": name,
                "title": re.split(r"[ ,]\(|, ", doc)[0],
                "family": FAMILIES.get(paradigm, "its own"),
                "paper": f"arXiv:{cited['arxiv']}",
                "year": int(cited["year"]),
                "paradigm": paradigm,
                "recipes": [r for r, m in known.items() if m == name],
            }
        )
    return rows
