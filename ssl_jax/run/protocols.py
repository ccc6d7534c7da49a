"""Which protocols a text of `evaluation.final` names, of all kinds: of features, of distorted data, with training."""

from ssl_jax.evals import suite
from ssl_jax.probes import recipes
from ssl_jax.run import fine_tuning

DISTORTED = ("gamma", "corruptions", "patches")
"""What can be asked for of distorted images, see `robustness.py`."""
FRAMES = ("frames", "order", "arrow")
"""What can be asked for of clips with their frames in other orders, see `frames.py`; the first of accuracies by labels,
the others of answers that need none."""
DENSE = "dense"
"""What can be asked for of single places, see `dense.py`."""
RECONSTRUCTION = "reconstruction"
"""What a method makes of test images, see `reconstruction.py`."""
ZERO_SHOT = "zero_shot"
"""What images and class names have in common, see `zero_shot.py`."""
APART = (*DISTORTED, *FRAMES, DENSE, RECONSTRUCTION, ZERO_SHOT)
"""Names of those that do not work on the features that others share."""


def asked(text: str) -> tuple[str, ...]:
    """The names, in order. Raises ValueError for one that is no protocol, with those most like it."""
    return suite.asked(text, (*APART, *recipes.names(), *fine_tuning.FORMS), accepts=apart)


def probes(text: str) -> tuple[str, ...]:
    """Those that train a linear head on augmented images."""
    return tuple(filter(recipes.known, asked(text)))


def tuned(text: str) -> tuple[str, ...]:
    """Those that train the network."""
    return tuple(filter(fine_tuning.known, asked(text)))


def scored(name: str) -> bool:
    """Whether a name is of a protocol whose accuracies are a row of the table."""
    return suite.known(name) or name in (*FRAMES[1:], ZERO_SHOT) or recipes.known(name) or fine_tuning.known(name)


def apart(name: str) -> bool:
    """Whether a name is of a protocol that does not work on the features that others share."""
    return name in APART or recipes.known(name) or fine_tuning.known(name)


def merged(found: dict, more: dict) -> dict:
    """Rows of one table, their reasons and their details by encoder, with those of another one."""
    reasons = {**found.get("not_measured", {}), **more.get("not_measured", {})}
    known, added = found.get("details", {}), more.get("details", {})
    details = {name: {**known.get(name, {}), **added.get(name, {})} for name in {**known, **added}}
    return {**found, **more, "not_measured": reasons, **({"details": details} if details else {})}
