"""The linear probe of sources with numbers to predict: who takes part, and the scores of features and of the mean."""

import numpy as np

from ssl_jax.data.sources import Source
from ssl_jax.evals import regression
from ssl_jax.run.job import Job

NAMES = regression.NAMES
PROBE = "regression"
"""What a reason says that it is about: all scores are of one probe."""
MEAN = "training_mean"
"""The column of who says the mean of training to everything, whose R² is 0 but for the two sets' difference."""


def possible(job: Job) -> bool:
    """Whether there is a test set, and both sets have targets."""
    return job.test is not None and job.train.targets is not None and job.test.targets is not None


def told(source: Source, valid: np.ndarray | None = None) -> np.ndarray:
    """bool [n]: the examples that can be read and have all targets."""
    known = np.isfinite(source.targets).all(1)
    return known if valid is None else known & valid


def impossible(train: Source, test: Source, *valid: np.ndarray) -> str:
    """Why there are no scores; "" where there are. valid: which examples of both could be read, as far as known."""
    masks = [told(source, *valid[i : i + 1]) for i, source in enumerate((train, test))]
    return regression.impossible(train.targets[masks[0]], test.targets[masks[1]])


def scores(
    train: tuple[Source, np.ndarray, np.ndarray], test: tuple[Source, np.ndarray, np.ndarray]
) -> tuple[dict[str, float], dict[str, float]]:
    """The scores of features by name, and those of the mean. train, test: source, features [n, d], valid bool [n].

    Raises ValueError where features are not finite.
    """
    both = [(x[told(source, valid)], source.targets[told(source, valid)]) for source, x, valid in (train, test)]
    found = regression.evaluate(*both)
    return {name: found[name] for name in NAMES}, regression.mean_of(both[0][1], both[1][1])


def left_out(source: Source, valid: np.ndarray) -> dict[str, int]:
    """Examples that take no part, by why."""
    counts = {"unreadable": int((~valid).sum()), "without_target": int((valid & ~told(source)).sum())}
    return {reason: count for reason, count in counts.items() if count}
