import jax
import numpy as np
import pytest

from ssl_jax.types import Seen


@pytest.fixture(scope="session")
def see():
    """(b, v, w, d) -> Seen, random float64 arrays; what is given by name stands in for the random."""

    def make(b, v, w, d, *, seed=0, **given):
        g = np.random.default_rng(seed)
        seen = Seen(
            student=g.normal(size=(b, v, d)),
            teacher=g.normal(size=(b, w, d)),
            batch={"index": g.permutation(b).astype(np.int32), "label": np.full(b, -1, np.int32)},
            step=np.int32(0),
            key=jax.random.key(0),
        )
        return seen._replace(**given)

    return make
