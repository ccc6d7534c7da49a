import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.tasks import masks

random = jax.jit(masks.random, static_argnums=(1, 2, 3))


def by_loops(noise, keep):
    """MAE's listing: argsort of the noise, argsort of the argsort."""
    shuffle = [sorted(range(len(row)), key=row.__getitem__) for row in noise]
    hidden = [[i not in ids[:keep] for i in range(len(ids))] for ids in shuffle]
    return [ids[:keep] for ids in shuffle], [ids[keep:] for ids in shuffle], hidden


def test_given_noise_gives_the_mask():
    noise = np.random.default_rng(0).random((5, 12))
    mask = random(jax.random.key(0), 5, 12, 3, noise=noise)
    for mine, theirs in zip((mask.keep, mask.hide, mask.hidden), by_loops(noise, 3), strict=True):
        assert_array_equal(mine, theirs)
    tokens = np.random.default_rng(1).normal(size=(5, 12, 2)).astype(np.float32)
    parts = np.concatenate([masks.take(tokens, mask.keep), masks.take(tokens, mask.hide)], 1)
    assert_array_equal(masks.take(parts, mask.restore), tokens)


def test_each_example_hides_as_many_but_not_the_same():
    hidden = np.asarray(random(jax.random.key(1), 4000, 16, 4).hidden)
    assert (hidden.sum(1) == 12).all()
    assert_allclose(hidden.mean(0), 0.75, atol=0.03)  # four deviations of a share of 4000 draws
    assert len({row.tobytes() for row in hidden[:50]}) > 40
    assert not np.array_equal(hidden, random(jax.random.key(2), 4000, 16, 4).hidden)


@pytest.mark.parametrize("keep", [0, 16, 17])
def test_a_mask_of_nothing_or_of_all_is_refused(keep):
    with pytest.raises(ValueError, match=f"cannot keep {keep} of 16"):
        masks.random(jax.random.key(0), 2, 16, keep)


def blocks_by_loops(grid, ratio, draws):
    """One image's blocks as the paper's algorithm has them, patch by patch."""
    rows, columns = grid
    hidden, least, failures = np.zeros(grid, bool), (min(grid) // 3) ** 2, 0
    for a, b, c, d in draws:
        left = ratio * rows * columns - hidden.sum()
        area = least + a * (left - least)
        aspect = np.exp(np.log(0.3) + b * (np.log(1 / 0.3) - np.log(0.3)))
        h, w = (int(np.round(np.sqrt(max(x, 0)))) for x in (area * aspect, area / aspect))
        top, side = int(c * (rows - h + 1)), int(d * (columns - w + 1))
        fits, more = h < rows and w < columns, 0
        if fits:
            more = sum(not hidden[i, j] for i in range(top, top + h) for j in range(side, side + w))
        if fits and 0 < more <= left:
            hidden[top : top + h, side : side + w] = True
            failures = 0
        else:
            failures += 1
            if failures == 10:
                break
    return hidden.reshape(-1)


@pytest.mark.parametrize("grid", [(14, 14), (8, 8), (7, 10)])
def test_blocks_by_loops(strict, grid):
    draws = np.random.default_rng(0).random((40, masks.TRIES, 4))
    ratios = np.random.default_rng(1).uniform(0.1, 0.5, 40)
    found = jax.jit(jax.vmap(lambda r, d: masks.blocks(None, grid, r, draws=d)))(ratios, draws)
    for ratio, draw, hidden in zip(ratios, draws, np.asarray(found), strict=True):
        np.testing.assert_array_equal(hidden, blocks_by_loops(grid, ratio, draw))


@pytest.mark.parametrize("shape", [masks.blocks, masks.scattered])
def test_no_more_is_hidden_than_the_ratio_and_nearly_as_much(shape):
    keys = jax.random.split(jax.random.key(0), 200)
    hidden = jax.jit(jax.vmap(lambda key: shape(key, (14, 14), 0.4)))(keys)
    share = np.asarray(hidden.mean(1))
    assert share.max() <= 0.4 and share.mean() > 0.3
    every = np.asarray(hidden.mean(0))
    assert every.min() > 0 and every.max() < 0.8
    nothing = jax.vmap(lambda key: shape(key, (14, 14), 0.0))(keys)
    assert not nothing.any()


def test_half_of_the_views_of_each_group_hide_a_part_and_the_parts_are_spread():
    drawn = masks.evenly(0.5, (0.1, 0.5), among=8, shape="random")
    hidden = np.asarray(jax.jit(lambda key: drawn.hide(key, 24, 2, (10, 10)))(jax.random.key(0)))
    assert len({group.tobytes() for group in hidden.reshape(3, -1)}) == 3
    steps = np.linspace(0.1, 0.5, 9)
    for group in hidden.reshape(3, 16, 100):
        shares = np.sort(group.mean(-1))
        assert (shares[:8] == 0).all()
        assert (shares[8:] >= np.floor(100 * steps[:-1]) / 100).all() and (shares[8:] <= steps[1:]).all()


@pytest.mark.parametrize("b, among, entries", [(24, 8, 33), (12, 8, 35), (7, 8, 50)])
def test_the_list_has_every_hidden_patch_and_the_length_of_the_bound(b, among, entries):
    """Of 100 patches a group of 8 hides up to 15 + 20 + ... + 50 = 260, of 4 up to 140, and one alone up to 50."""
    drawn = masks.evenly(0.5, (0.1, 0.5), among=among, shape="random")
    patches = np.random.default_rng(0).normal(size=(b, 2, 100, 3)).astype(np.float32)
    group = np.gcd(b, among)

    @jax.jit
    def found(key):
        hidden = drawn.hide(key, b, 2, (10, 10))
        listed = drawn.listed(hidden)
        return hidden, listed, listed.of(patches)

    for seed in range(5):
        hidden, listed, rows = jax.device_get(found(jax.random.key(seed)))
        assert rows.shape == (b, 1, entries, 3) == (b, 1, listed.real.shape[1], 3)
        for i in range(0, b, group):
            own, real = hidden[i : i + group], listed.real[i : i + group].reshape(-1)
            assert real.sum() == own.sum() and real[: own.sum()].all()
            np.testing.assert_array_equal(rows[i : i + group].reshape(-1, 3)[real], patches[i : i + group][own])
            counts = np.broadcast_to(own.sum(-1, keepdims=True), own.shape)
            np.testing.assert_array_equal(listed.count[i : i + group].reshape(-1)[real], counts[own])


def test_the_list_is_long_enough_where_all_is_drawn_at_its_bound():
    """A ratio of 0.3 of 10 patches is 3 of them, whatever float32 makes of it."""
    drawn = masks.evenly(1.0, (0.3, 0.3), among=4, shape="random")
    hidden = jax.jit(lambda key: drawn.hide(key, 8, 2, (2, 5)))(jax.random.key(0))
    assert hidden.sum() == drawn.listed(hidden).real.sum() == 8 * 2 * 3


def test_a_share_of_no_view_is_refused():
    with pytest.raises(
        ValueError, match="of the 2 views of 1 examples a share of 0.25 is none; hide patches of a larg"
    ):
        masks.evenly(0.25, (0.1, 0.5), among=8).hide(jax.random.key(0), 7, 2, (4, 4))
