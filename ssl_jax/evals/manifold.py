"""t-SNE as scikit-learn has it, for thousands of points (the extra [report]).

`plane.tsne` needs no further library, and takes the square of their number in memory and time.
"""

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

PERPLEXITY = 30.0
STEPS = 500
"""Another 500 lower the divergence by half a percent."""


def perplexity(count: int) -> float:
    """That of so many points: 30, or less where there are few."""
    return min(PERPLEXITY, (count - 1) / 3)


def tsne(x: np.ndarray) -> np.ndarray:
    """float [n >= 4, d] -> [n, 2], van der Maaten 2014 (JMLR 15:3221-3245), begun at the PCA; the same at every call.

    Distances between clusters mean nothing. Raises ValueError for fewer than 4 points.
    """
    if len(x) < 4:
        raise ValueError(f"t-SNE needs at least 4 points, these are {len(x)}")
    made = TSNE(2, perplexity=perplexity(len(x)), max_iter=STEPS, init="pca", learning_rate="auto", random_state=0)
    with threadpool_limits(1):  # its threads wait for each other at every step: on a busy machine for most of the time
        return made.fit_transform(np.asarray(x, np.float32))
