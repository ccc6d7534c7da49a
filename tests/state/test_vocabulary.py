"""Words that change: what is taken of a map, what an image's bag is, and how the scale of distances follows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.state import vocabulary

B, H, W, D, N, SHARP = 4, 6, 7, 3, 8, 2.0
KEY = jax.random.key(2)
MAPS = np.random.default_rng(0).normal(size=(B, H, W, D))


def begun():
    return vocabulary.init(jax.random.key(0), N, jnp.asarray(MAPS))


def described_by_loops(rows, distance, maps):
    bags = []
    far = [
        [[((maps[i, y, x] - row) ** 2).sum() for row in rows] for y in range(1, H - 1) for x in range(1, W - 1)]
        for i in range(len(maps))
    ]
    nearest = np.mean([min(place) for image in far for place in image])
    distance = 0.99 * distance + 0.01 * nearest
    for image in far:
        codes = [np.exp(-SHARP / distance * np.array(place)) for place in image]
        bag = np.max([code / code.sum() for code in codes], 0)
        bags.append(bag / bag.sum())
    return np.array(bags), distance


def test_the_first_words_are_rectified_noise_and_the_first_distance_a_half(strict):
    held = vocabulary.init(jax.random.key(0), 4096, jax.ShapeDtypeStruct((B, 5, 5, 8), jnp.float64))
    rows = np.asarray(held.words.rows)
    assert rows.min() == 0 and abs((rows == 0).mean() - 0.5) < 0.01
    assert_allclose(rows.mean(), 1 / np.sqrt(2 * np.pi), rtol=0.02)
    assert float(held.distance) == 0.5


def test_bags_and_distances_are_those_of_loops(strict):
    held = begun()
    for step in range(2):
        maps = np.random.default_rng(step).normal(size=(B, H, W, D))
        bags, distance = vocabulary.described(held, jnp.asarray(maps), SHARP)
        expected, far = described_by_loops(np.asarray(held.words.rows), float(held.distance), maps)
        assert_allclose(bags, expected, rtol=1e-10)
        assert_allclose(distance, far, rtol=1e-12)
        held = vocabulary.write(held, maps[:, 2, 2], distance)


def test_the_border_is_nothing(strict):
    other = MAPS.copy()
    other[:, [0, -1]] = 9
    other[:, :, [0, -1]] = 9
    for read in (lambda maps: vocabulary.described(begun(), maps, SHARP)[0], lambda m: vocabulary.sampled(KEY, m)):
        assert_array_equal(read(jnp.asarray(MAPS)), read(jnp.asarray(other)))


def test_a_word_is_the_mean_of_a_square_of_places_that_is_drawn_for_each_image(strict):
    where = set()
    for number in range(40):
        for i, word in enumerate(vocabulary.sampled(jax.random.key(number), jnp.asarray(MAPS))):
            squares = {
                (y, x): MAPS[i, y : y + 3, x : x + 3].mean((0, 1)) for y in range(1, H - 3) for x in range(1, W - 3)
            }
            found = [at for at, mean in squares.items() if np.allclose(word, mean, rtol=1e-10)]
            assert len(found) == 1
            where.add((i, *found[0]))
    assert where == {(i, y, x) for i in range(B) for y in range(1, H - 3) for x in range(1, W - 3)}


def test_no_gradient_passes(strict):
    slope = jax.grad(lambda maps: vocabulary.described(begun(), maps, SHARP)[0][0, 0])(jnp.asarray(MAPS))
    assert not np.any(slope)


def test_the_oldest_words_go_first(strict):
    held, past = begun(), []
    for step in range(3):
        rows = np.full((B, D), float(step + 1))
        past.append(rows)
        held = vocabulary.write(held, rows, jnp.float64(step))
    assert_array_equal(held.words.rows, np.concatenate([past[2], past[1]]))
    assert float(held.distance) == 2


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (1, 1)])
def test_a_map_that_is_too_small_is_one_sentence(shape):
    with pytest.raises(ValueError, match=f"a map of {shape[0]} x {shape[1]} places has no words: of 5 x 5 or more"):
        vocabulary.inner(jnp.zeros((B, *shape, D)))
    assert vocabulary.inner(jnp.zeros((B, 5, 5, D))).shape == (B, 3, 3, D)


def test_words_that_are_no_multiple_of_the_batch_are_refused():
    with pytest.raises(ValueError, match="10 rows are no multiple of the 4 rows"):
        vocabulary.init(jax.random.key(0), 10, jnp.asarray(MAPS))
