import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import prototypes
from ssl_jax.passes import clusters
from ssl_jax.state import bank

N, D, T = 40, 3, 0.2


def rows():
    x = np.random.default_rng(0).normal(size=(N, D))
    return x / np.linalg.norm(x, axis=1, keepdims=True), np.arange(N) % 9 > 0


def test_prototypes_are_unit_means_and_concentrations_of_distances_from_the_means(strict, see):
    x, written = rows()
    made = prototypes.prototypes(examples=N, clusters=(4, 6), negatives=3, temperature=T)
    _, state = jax.jit(made.init)(jax.random.key(0), see(5, 1, 1, D))
    held, options = bank.Bank(jnp.asarray(x), jnp.asarray(written)), dict(temperature=T, iterations=4)
    again = jax.jit(lambda key, held: prototypes.recluster(key, state, held, cluster=clusters.of_rows, **options))
    after = again(jax.random.key(1), held)
    labels = np.asarray(after.labels)
    assert labels.shape == (N, 2) and (labels[~written] == -1).all() and (labels[written] >= 0).all()
    for m, k in enumerate((4, 6)):
        found = clusters.of_rows(jax.random.fold_in(jax.random.key(1), m), x, written, clusters=k, iterations=4)
        means = np.asarray(found.means)
        assert_allclose(after.centroids[m], means / np.linalg.norm(means, axis=1, keepdims=True), rtol=1e-10)
        assert_array_equal(labels[:, m], found.labels)
        density = np.zeros(k)
        for c in range(k):
            far = np.linalg.norm(x[labels[:, m] == c] - means[c], axis=1)
            density[c] = far.mean() / np.log(len(far) + 10) if len(far) > 1 else 0
        density[density == 0] = density.max()
        density = np.clip(density, np.percentile(density, 10), np.percentile(density, 90))
        assert_allclose(after.concentration[m], T * density / density.mean(), rtol=1e-10)


def test_more_clusters_than_examples_are_refused():
    with pytest.raises(ValueError, match="clusters is 41 and the dataset has 40 examples; take 40 or fewer"):
        prototypes.prototypes(examples=N, clusters=(10, 41))
