"""Exact copies and near duplicates: the hash is ImageHash's, the search finds what comparing all with all finds."""

import io
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import sparse

from ssl_jax.data import check, duplicates, sources
from ssl_jax.data.duplicates import Looks

SHARED = Path(__file__).parents[3] / "shared" / "data" / "imagenet_sample"


def test_the_hash_is_that_of_imagehash_bit_by_bit():
    pictures = np.random.default_rng(0).integers(0, 256, (200, 32, 32), np.uint8)
    bits = np.unpackbits(duplicates.hashed(pictures).astype(">u8").view(np.uint8)).reshape(200, 64)
    wanted = np.stack([imagehash.phash(Image.fromarray(picture)).hash.ravel() for picture in pictures])
    np.testing.assert_array_equal(bits, wanted)
    scaled = duplicates.hashed(pictures * 1e-3 + 7)
    assert np.bitwise_count(scaled ^ duplicates.hashed(pictures)).max() <= 2, "no units, but for rounding at the median"


def test_the_difference_has_no_units_and_is_one_of_unrelated_pictures():
    one, other = np.random.default_rng(0).normal(size=(2, 50, 8, 8, 3))
    apart = duplicates.difference(one, other)
    np.testing.assert_allclose(apart, 1, atol=0.2)
    np.testing.assert_allclose(duplicates.difference(40 * one + 3, 40 * other + 3), apart, rtol=1e-4)
    assert (duplicates.difference(one, one) == 0).all()
    flat = np.ones((2, 8, 8, 3)) * np.array([1, 2])[:, None, None, None]
    assert duplicates.difference(flat[:1], flat[:1]) == 0 and np.isinf(duplicates.difference(flat[:1], flat[1:]))


def drifting(n, seed):
    """Looks of pictures of which many are small changes of others."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n // 3, 32, 32, 3)).cumsum(1).cumsum(2)
    made = base[rng.integers(0, len(base), n)] + rng.uniform(0, 14, (n, 1, 1, 1)) * rng.normal(size=(n, 32, 32, 3))
    tiny = made.reshape(n, 8, 4, 8, 4, 3).mean((2, 4)).astype(np.float16)
    return Looks(np.arange(n), duplicates.hashed(made.mean(-1)), tiny)


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_those_of_comparing_all_with_all(seed):
    looks = drifting(300, seed)
    bits = np.bitwise_count(looks.hash[:, None] ^ looks.hash)
    apart = np.stack([duplicates.difference(np.broadcast_to(t, looks.tiny.shape), looks.tiny) for t in looks.tiny])
    linked = ((bits <= 10) & (apart <= 0.35)) | ((bits <= 4) & (apart <= 0.7))
    labels = sparse.csgraph.connected_components(linked)[1]
    wanted = {tuple(np.flatnonzero(labels == k)) for k in set(labels) if np.sum(labels == k) > 1}
    found = duplicates.near(looks)
    assert {tuple(group.rows) for group in found} == wanted and 20 < len(wanted) < 100
    assert [group.difference for group in found] == sorted(group.difference for group in found)
    for group in found[:5]:
        inside = apart[np.ix_(group.rows, group.rows)][~np.eye(len(group.rows), dtype=bool)]
        assert group.difference >= inside.min() - 1e-6


def test_groups_are_put_together_in_parts(monkeypatch):
    looks, told = drifting(300, 0), []
    whole = duplicates.near(looks)
    monkeypatch.setattr(duplicates, "PENDING", 3)
    parts = duplicates.near(looks, say=lambda done, total: told.append((done, total)))
    assert [tuple(group.rows) for group in parts] == [tuple(group.rows) for group in whole]
    assert told[-1] == (duplicates.BITS + 1, duplicates.BITS + 1)


def test_exact_copies_are_grouped_once_and_compared_once():
    looks = drifting(60, 0)
    twice = Looks(*(np.concatenate([part, part[:20], part[:5]]) for part in looks))
    groups = duplicates.exact(twice)
    assert [group.rows.tolist() for group in groups[:5]] == [[k, 60 + k, 80 + k] for k in range(5)]
    assert len(groups) == 20 and len(groups[5].rows) == 2
    assert {tuple(g.rows) for g in duplicates.near(twice)} == {tuple(g.rows) for g in duplicates.near(looks)}
    assert duplicates.near(Looks(*(part[:1] for part in looks))) == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/imagenet_sample")
def test_changed_photos_are_found_and_no_others(tmp_path):
    """Of real photos: smaller, stored worse, brighter, with less contrast, cropped by a fiftieth; and copies as PNG."""
    photos = sorted(SHARED.glob("*/*"))[::8]
    small = lambda x: x.resize((x.width * 2 // 3, x.height * 2 // 3))  # noqa: E731
    changes = {
        "small": small,
        "bright": lambda x: ImageEnhance.Brightness(x).enhance(1.15),
        "pale": lambda x: ImageEnhance.Contrast(x).enhance(0.85),
        "cropped": lambda x: x.crop((x.width // 50, x.height // 50, x.width * 49 // 50, x.height * 49 // 50)),
    }
    for k, path in enumerate(photos):
        original = small(small(Image.open(path).convert("RGB")))
        original.save(tmp_path / f"{k:02d}.png")
        if k % 5 < 4:
            name, change = [*changes.items()][k % 5]
            change(original).save(tmp_path / f"{k:02d}-{name}.jpg", quality=60)
        else:
            original.save(tmp_path / f"{k:02d}-copy.bmp")
    source = sources.open(f"folder:{tmp_path}")
    report, seen = check.examined(source)
    number = lambda index: int(Path(source.describe(index)).name[:2])  # noqa: E731
    near, exact = ([sorted(map(number, group)) for group in report["duplicates"][key]] for key in ("near", "exact"))
    assert sorted(exact) == [[k, k] for k in range(4, len(photos), 5)]
    assert sorted(near) == [[k, k] for k in range(len(photos)) if k % 5 < 4]
    assert {key: value for key, value in report.items() if key != "duplicates"} == check.check(source)
    assert seen.looks.tiny.shape == (2 * len(photos), 8, 8, 3) and seen.size.shape == (2 * len(photos), 5)


def test_copies_are_of_pixels_not_of_files(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    for suffix in ("png", "bmp", "webp"):
        Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", lossless=True)
    out = io.BytesIO()
    Image.fromarray(pixels[..., 0]).save(out, "PNG")
    (tmp_path / "b.png").write_bytes(out.getvalue())
    Image.fromarray(pixels[:10]).save(tmp_path / "c.png")
    report, seen = check.examined(sources.open(f"folder:{tmp_path}", channels=3))
    assert report["duplicates"] == {"exact": [[0, 1, 2]], "near": []}
    names = [check.looks.FORMATS[kind] for kind in seen.kind[:, 0]]
    assert names == ["BMP", "PNG", "WebP", "PNG", "PNG"] and seen.size[:, 2].tolist() == [3, 3, 3, 1, 3]
