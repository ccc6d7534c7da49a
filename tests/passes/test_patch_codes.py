"""A codebook of patches: k-means of a sample as scikit-learn finds it, in any batches; codes; what is refused."""

import warnings
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.cluster import KMeans

from ssl_jax.passes import patch_codes, sample, times
from ssl_jax.run import passing
from ssl_jax.tasks import pixels
from ssl_jax.types import Pass

N, SIDE, PATCH, K = 30, 4, 2, 5
D = PATCH * PATCH * 3


@pytest.fixture(autouse=True)
def wide(strict):
    return strict


def images():
    g = np.random.default_rng(0)
    return g.normal(size=(N, 1, SIDE, SIDE, 3)) + 3 * g.integers(0, 3, (N, 1, 1, 1, 1))


def made(**options):
    """The pass, of a state that is a Codebook in float64."""
    return patch_codes.fitting(
        lambda batch: pixels.patchify(batch["clean"][:, 0], PATCH), lambda s: s, lambda s, book: book, **options
    )


def run(one, x, size, state, bad=()):
    """What the pass makes of images that come `size` at a time."""
    found, fold = one.start(state, jax.random.key(1)), jax.jit(one.fold)
    for i in range(0, len(x), size):
        index = np.minimum(np.arange(i, i + size), len(x) - 1)
        real = (np.arange(i, i + size) < len(x)) & ~np.isin(index, bad)
        batch = {"clean": jnp.asarray(x[index]), "index": jnp.asarray(index), "real": jnp.asarray(real)}
        found = fold(state, found, batch, jax.random.key(i))
    return found, jax.jit(one.finish)(state, found, jax.random.key(2))


def empty(k=K, d=D):
    return patch_codes.init(jax.random.key(0), jnp.zeros((1, d)), k)


def test_it_is_scikit_learns_from_the_same_start():
    x, bad = images(), (3, 29)
    found, book = run(made(drawn=200, iterations=7), x, 8, empty(), bad)
    rows = pixels.patchify(np.delete(x, bad, 0)[:, 0], PATCH).reshape(-1, D)
    assert np.sum(np.asarray(found.numbers) >= 0) == len(rows)
    start = np.asarray(sample.plus_plus(jax.random.key(2), found, K))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged, and shall not
        oracle = KMeans(K, init=start, n_init=1, max_iter=7, tol=0, algorithm="lloyd").fit(rows)
    np.testing.assert_allclose(book.centers, oracle.cluster_centers_, rtol=1e-9)
    np.testing.assert_allclose(book.error, oracle.inertia_ / len(rows), rtol=1e-9)
    np.testing.assert_array_equal(book.size, np.bincount(oracle.labels_, minlength=K))
    assert book.different == K
    np.testing.assert_array_equal(patch_codes.codes(jnp.asarray(rows), book.centers), oracle.labels_)


def test_it_depends_on_no_batch():
    x = images()
    (one, book), (other, again) = (run(made(drawn=40), x, size, empty()) for size in (7, 30))
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_array_equal(book.centers, again.centers)
    whole = {tuple(row) for row in np.asarray(pixels.patchify(x[:, 0], PATCH)).reshape(-1, D)}
    drawn = {tuple(row) for row in np.asarray(one.rows)}
    assert drawn < whole and len(drawn) == 40


@pytest.mark.parametrize("at_once", [1, 3 * K, 2**24])
def test_codes_are_the_nearest_centers(at_once):
    g = np.random.default_rng(1)
    patches, centers = g.normal(size=(3, 4, D)), g.normal(size=(K, D))
    expected = np.zeros((3, 4), int)
    for i, j in np.ndindex(3, 4):
        expected[i, j] = min(range(K), key=lambda k: sum((patches[i, j] - centers[k]) ** 2))
    found = patch_codes.codes(jnp.asarray(patches), jnp.asarray(centers), scores_at_once=at_once)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == jnp.int32


def test_centers_are_their_own_codes():
    """To quantize what is quantized changes nothing."""
    _, book = run(made(drawn=200), images(), 10, empty())
    np.testing.assert_array_equal(patch_codes.codes(book.centers, book.centers), np.arange(K))


def test_more_centers_than_patches_that_differ_are_refused():
    x = np.asarray([[0.1, 0.7, 0.7], [0.3, 0.2, 0.9], [0.5, 0.5, 0.5]])[np.arange(N * 16) % 3]
    x = x.reshape(N, 1, SIDE, SIDE, 3)
    options = dict(drawn=300, what="colors", option="palette")
    one = patch_codes.fitting(
        lambda batch: pixels.patchify(batch["clean"][:, 0], 1), lambda s: s, lambda s, book: book, **options
    )
    assert one.refuses(run(one, x, 10, empty(3, 3))[1]) == ""
    said = one.refuses(run(one, x, 10, empty(4, 3))[1])
    assert said == "palette is 4, and only 3 colors of the images differ; take 3 or fewer"
    with pytest.raises(ValueError, match="palette is 301 and of 300 colors none finds so many"):
        one.start(empty(301, 3), jax.random.key(0))


@pytest.mark.parametrize("sentence", ["", "there are too few"])
def test_what_a_pass_refuses_ends_the_run(sentence):
    walk = SimpleNamespace(start=lambda state, key: 1, finish=lambda state, found, key: state + found)
    one = Pass(times.at_the_start, walk.finish, start=walk.start, refuses=lambda state: sentence if state == 3 else "")
    job = SimpleNamespace(method=SimpleNamespace(passes=(one,)))
    arguments = job, SimpleNamespace(passes=(walk,)), 2, passing.Turn(0, 0), None
    if not sentence:
        assert passing.run(*arguments) == 3
        return
    with pytest.raises(ValueError, match=sentence):
        passing.run(*arguments)
