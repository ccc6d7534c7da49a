"""Mixed images by loops, from the same draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.tasks import mixing

N, H, W, K = 4, 6, 8, 3
IMAGES = np.random.default_rng(0).random((N, H, W, 2)).astype(np.float32)
LABELS = np.array([0, 1, 2, 1], np.int32)


def run(key, mixup, cutmix):
    targets = mixing.smoothed(jnp.asarray(LABELS), K, 0.0)
    return [np.asarray(a) for a in mixing.mixed(key, jnp.asarray(IMAGES), targets, mixup=mixup, cutmix=cutmix)]


@pytest.mark.parametrize("seed", range(6))
def test_mixup_is_one_share_of_both(seed):
    images, targets = run(jax.random.key(seed), 0.8, 0.0)
    share = targets[0, 0]  # image 0 has class 0, and its partner, the last, class 1
    assert 0 <= share <= 1 and np.isclose(targets[0, 1], 1 - share)
    for i in range(N):
        np.testing.assert_allclose(images[i], share * IMAGES[i] + (1 - share) * IMAGES[N - 1 - i], atol=1e-6)
        wanted = share * np.eye(K)[LABELS[i]] + (1 - share) * np.eye(K)[LABELS[N - 1 - i]]
        np.testing.assert_allclose(targets[i], wanted, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_cutmix_pastes_one_rectangle_and_counts_its_pixels(seed):
    images, targets = run(jax.random.key(seed), 0.0, 1.0)
    pasted = np.all(images == IMAGES[::-1], -1)
    for i in range(N):
        np.testing.assert_array_equal(pasted[i], pasted[0])
        assert np.all(images[i][~pasted[i]] == IMAGES[i][~pasted[i]])
    rows, columns = pasted[0].any(1), pasted[0].any(0)
    np.testing.assert_array_equal(pasted[0], rows[:, None] & columns[None])
    assert all(np.abs(np.diff(line.astype(int))).sum() <= 2 for line in (rows, columns)), "one stretch"
    np.testing.assert_allclose(targets[0, 0], 1 - pasted[0].mean(), atol=1e-6)


def test_a_fair_coin_chooses_and_nothing_is_nothing():
    kinds = []
    for seed in range(60):
        images, targets = run(jax.random.key(seed), 1.0, 1.0)
        kinds.append(np.all((images == IMAGES) | (images == IMAGES[::-1])))
        np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    assert 0.3 < np.mean(kinds) < 0.7
    images, targets = run(jax.random.key(0), 0.0, 0.0)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(targets, np.eye(K)[LABELS])


def test_rectangles_have_the_area_that_is_asked_where_they_fit():
    areas = [float(jnp.mean(mixing.rectangle(jax.random.key(s), (40, 40), jnp.float32(0.25)))) for s in range(200)]
    assert max(areas) == 0.25 and 0.12 < np.mean(areas) < 0.22  # cut at the border
    assert not mixing.rectangle(jax.random.key(0), (8, 8), jnp.float32(0)).any()


def test_smoothed_targets_are_the_formula():
    np.testing.assert_allclose(mixing.smoothed(jnp.asarray(LABELS), K, 0.3), 0.7 * np.eye(K)[LABELS] + 0.1, atol=1e-6)
