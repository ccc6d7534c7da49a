"""SimCLR's fine-tuning on other datasets: rate and decay are searched for (arXiv:2002.05709, appendix B.8).

Each pair of a grid is trained on four fifths of the training set and measured on the last one. The best pair is trained
again on all of it and tested once. Nothing is known of the search but the training set.
"""

import re
from typing import NamedTuple

import numpy as np

FORM = "fine_tune_grid"
STEPS, RATES, BATCH = 20_000, 7, 256
HELD = 0.2
"""The share of the training set by which a pair is chosen."""
PRETRAINED, SCRATCH = ((-4, -1), (-6, -3)), ((-3, 0), (-5, -1.5))
"""Powers of ten between which rates and decays lie. The paper trains from scratch for 40,000 steps."""


class Pair(NamedTuple):
    """The peak of the rate, and a decay for each unit of it: the product of both is what a step takes off weights."""

    rate: float
    decay: float

    @property
    def title(self) -> str:
        """What a folder is called."""
        return f"rate_{self.rate:.3g}_decay_{self.decay:.3g}"


def known(name: str) -> bool:
    """Whether it is "fine_tune_grid", or that in 500 steps, "..._500", or of 3 rates besides, "..._500_3"."""
    return parted(name) is not None


def title(name: str) -> str:
    """What a table calls it."""
    steps, rates = parted(name)
    return f"fine-tuned, {steps:,} steps, the best of {rates} rates and {rates + 1} decays"


def parted(name: str) -> tuple[int, int] | None:
    """(steps, rates) of a name; None for another one. There is one more decay than there are rates."""
    found = re.fullmatch(rf"{FORM}(?:_(\d+)(?:_(\d+))?)?", name)
    steps, rates = (
        (int(n or usual) for n, usual in zip(found.groups(), (STEPS, RATES), strict=True)) if found else (0, 0)
    )
    return (steps, rates) if steps > 0 and 2 <= rates <= 20 else None


def pairs(name: str, trained: bool) -> tuple[Pair, ...]:
    """The grid: from the encoder's weights, where one decay is 0, or from random ones, as appendix B.8 has both."""
    _, count = parted(name)
    rates, decays = PRETRAINED if trained else SCRATCH
    no_decay = [0.0] if trained else []
    tried = [*no_decay, *np.logspace(*decays, count + (not trained))]
    return tuple(Pair(float(rate), float(decay / rate)) for rate in np.logspace(*rates, count) for decay in tried)


def like(name: str, pair: Pair) -> dict:
    """The parts of a recipe that a pair and the name decide. The paper says no schedule; here it is a cosine."""
    steps, _ = parted(name)
    sgd = dict(name="sgd", nesterov=True, weight_decay=pair.decay)
    return {"optimizer": sgd, "lr": dict(kind="cosine", peak=pair.rate), "duration": f"{steps} steps"}


def network(spec: dict, examples: int, batch: int) -> dict:
    """The options of a ResNet whose batch norm keeps max(1 - 10/s, 0.9) of its statistics, s steps being an epoch."""
    kept = 1 - 10 * batch / examples
    return {**spec, "bn_momentum": kept} if "bn_momentum" in spec and kept > 0.9 else spec
