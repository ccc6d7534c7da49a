import numpy as np
import pytest
from matplotlib import image as reader

from ssl_jax.reporting import pictures

RNG = np.random.default_rng(0)


def read(path):
    return reader.imread(str(path))


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_a_contact_sheet_of_any_channels_and_sizes(tmp_path, channels):
    views = {
        "global": RNG.normal(size=(3, 2, 8, 8, channels)).astype(np.float32),
        "local": RNG.normal(size=(3, 4, 4, 4, channels)).astype(np.float32),
    }
    stored = [RNG.integers(0, 256, (side, 10, channels)).astype(np.uint8) for side in (7, 10, 300)]
    stats = dict(mean=(0.5,) * channels, std=(0.2,) * channels)
    pictures.contact_sheet(views, tmp_path / "new" / "sheet.png", originals=stored, **stats)
    height, width, _ = read(tmp_path / "new" / "sheet.png").shape
    assert width > 7 * pictures.CELL * 130 and height > 3 * pictures.CELL * 130


def test_normalized_views_are_mapped_back_and_integers_are_of_their_range():
    pixels = RNG.integers(0, 256, (2, 1, 4, 4, 3)).astype(np.uint8)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.1)
    normalized = ((pixels / 255 - np.array(mean)) / np.array(std)).astype(np.float32)
    back = pictures._displayable(normalized, mean, std)
    np.testing.assert_allclose(back, pixels / 255, atol=1e-6)
    np.testing.assert_allclose(pictures._displayable(pixels, (9,), (9,)), pixels / 255)
    np.testing.assert_allclose(pictures._displayable(pixels.astype(np.uint16) * 257, (9,), (9,)), pixels / 255)


def test_the_pixels_of_the_sheet_are_those_of_the_views(tmp_path):
    colors = np.array([[1.0, 0, 0], [0, 1, 0]], np.float32)
    views = {"global": np.broadcast_to(colors[:, None, None, None], (2, 1, 4, 4, 3))}
    pictures.contact_sheet(views, tmp_path / "sheet.png")
    picture = read(tmp_path / "sheet.png")[..., :3]
    cell = (0.94 * pictures.CELL * 130) ** 2
    for color in colors:
        assert abs(np.sum(np.all(picture == color, -1)) / cell - 1) < 0.05


def test_an_original_is_fitted_into_its_cell_with_its_own_colors(tmp_path):
    views = {"global": np.zeros((1, 1, 4, 4, 3), np.float32)}
    wide = np.broadcast_to(np.array([0, 255, 0], np.uint8), (20, 40, 3))
    pictures.contact_sheet(views, tmp_path / "sheet.png", originals=[wide], mean=(0.5,) * 3, std=(0.1,) * 3)
    green = np.all(read(tmp_path / "sheet.png")[..., :3] == (0, 1, 0), -1)
    side = 0.94 * pictures.CELL * 130
    assert abs(green.any(0).sum() / side - 1) < 0.05 and abs(green.any(1).sum() / side - 0.5) < 0.05
    assert np.argmax(green.any(0)) < side, "the original is the first column"


def test_curves_with_gaps_missing_keys_and_one_row(tmp_path):
    rows = [{"step": s, "loss": None if s == 3 else 1 / s, "lr": 0.1} for s in range(1, 300)]
    pictures.curves([*rows, {"step": 299, "eval/knn": 0.5}], tmp_path / "curves.png")
    pictures.curves(rows[:1], tmp_path / "one.png")
    assert read(tmp_path / "curves.png").shape[1] > read(tmp_path / "one.png").shape[1]


def test_schedules_have_a_panel_where_they_move():
    rows = [{"step": s, "schedule/ema_decay": 1 - 0.1 / s, "schedule/teacher_temperature": 0.04} for s in (1, 2)]
    assert pictures._schedules(rows) == [("schedule/ema_decay", "ema decay", None)]


def test_nothing_to_draw_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="nothing to draw"):
        pictures.curves([{"step": 1, "loss": None}], tmp_path / "curves.png")
    with pytest.raises(ValueError, match="at least 4 examples, these are 3"):
        pictures.projection(np.zeros((3, 5)), np.zeros(3, int), ["a"], tmp_path / "p.png")


@pytest.mark.parametrize(("count", "classes"), [(40, 12), (4, 2)])
def test_projections_of_few_and_unlabeled_examples_repeat_themselves(tmp_path, count, classes):
    x, y = RNG.normal(size=(count, 6)), np.arange(count) % (classes + 1) - 1
    for name in ("a.png", "b.png"):
        pictures.projection(x, y, [f"class_{k}" for k in range(classes)], tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), read(tmp_path / "b.png"))


def test_a_collapsed_embedding_can_be_drawn(tmp_path):
    pictures.projection(np.ones((20, 6), np.float32), np.zeros(20, int), ["a"], tmp_path / "p.png")
    assert read(tmp_path / "p.png").size


def test_a_storyboard_has_the_frames_of_each_clip_in_reading_order():
    clips = RNG.normal(size=(2, 3, 5, 4, 6, 1))
    board = pictures.storyboard(clips)
    assert board.shape == (2, 3, 2 * 4, 3 * 6, 1)
    for t in range(5):
        row, column = divmod(t, 3)
        cell = board[:, :, 4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        np.testing.assert_array_equal(cell, clips[:, :, t])
    assert not board[:, :, 4:, 12:].any()
