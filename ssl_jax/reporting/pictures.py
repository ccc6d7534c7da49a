"""Pictures of a run: the views as the network sees them, the curves, the embedding in two dimensions."""

import io
import os
from collections.abc import Sequence

import numpy as np
from etils import epath
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from ssl_jax.evals import plane
from ssl_jax.reporting import titles

INK, GRID = "#333333", "#dddddd"
COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b2a100", "#000000", "#7f7f7f", "#7b4a12")
"""Okabe and Ito's colors, which the color-blind can tell apart, with a darker yellow, a gray and a brown."""
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "p", "<", ">")
"""A second sign of the class beside its color."""
CELL, GAP = 1.1, 0.25
"""Inches from image to image on a contact sheet, and between two groups."""
POINTS = 1500
"""Points in a projection: t-SNE's time grows with their square."""
PANELS = (
    ("loss", "loss", None),
    ("probe/top1", "online probe, top-1 on augmented views, %", 100.0),
    ("lr", "learning rate", None),
    ("monitor/std", "std of the unit embedding \u00d7 \u221ad\n(1: isotropic, 0: collapsed)", None),
    ("eval/effective_rank", "effective rank", None),
    ("grad_norm", "gradient norm", None),
    ("time/images_per_second", "images a second", None),
    ("time/data_wait", "share of time waiting for data, %", 100.0),
)
"""Key of a row, title, and what multiplies its values; keys that no row has give no panel."""
SCORES = 2
"""How many of them come before the scores."""


def contact_sheet(
    views: dict[str, np.ndarray],
    path: str | os.PathLike,
    *,
    originals: Sequence[np.ndarray] = (),
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    title: str = "What the network sees",
) -> None:
    """Writes a PNG: a row for each image, a column for each view, grouped, the original beside them.

    views: group -> [b, v, h, w, c], either integers over their dtype's range or floats, which are (pixel - mean) / std
    with pixels in 0..1 and are mapped back, and cut to 0..1 for the screen. originals: the images as they are stored,
    integers [h, w, c] of any size, which are shrunk into their cells. Shown are one channel in gray, three in color,
    and of other counts the first three, or the first where there are two.
    """
    blocks = {name: _displayable(np.asarray(view), mean, std) for name, view in views.items()}
    stored = [_displayable(image[None, None], mean, std)[0, 0] for image in originals]
    columns = [("original\nas stored", stored, 1)] if stored else []
    for block, (name, shown) in enumerate(blocks.items(), 1 + len(columns)):
        size = "\u00d7".join(map(str, shown.shape[2:4])) + " px"
        labels = [f"{name} {i + 1}" if shown.shape[1] > 1 else name for i in range(shown.shape[1])]
        columns += [(f"{labels[i]}\n{'' if i else size}", shown[:, i], block) for i in range(shown.shape[1])]
    rows = max(len(column) for _, column, _ in columns)
    width, height = max(len(columns) * CELL + (columns[-1][-1] - 1) * GAP + 0.3, 4.0), rows * CELL + 1.0
    figure = _figure(width, height)
    figure.text(0.15 / width, 1 - 0.3 / height, title, fontsize=13, weight="bold", color=INK, va="center")
    for place, (label, column, block) in enumerate(columns):
        left = 0.15 + place * CELL + (block - 1) * GAP
        figure.text(left / width, 1 - 0.72 / height, label, fontsize=7.5, color=INK, va="center")
        for row, image in enumerate(column):
            bottom = height - 0.95 - (row + 1) * CELL + 0.06
            axes = figure.add_axes((left / width, bottom / height, 0.94 * CELL / width, 0.94 * CELL / height))
            # Views are shown pixel by pixel; what is stored may be large.
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="auto" if column is stored else "nearest")
            axes.set_axis_off()
    _save(figure, path)


def storyboard(clips: np.ndarray) -> np.ndarray:
    """[b, v, t, h, w, c] -> [b, v, rows h, columns w, c]: the frames of each clip side by side, nearly a square.

    Cells that are left are zero.
    """
    b, v, t, h, w, c = clips.shape
    columns = int(np.ceil(np.sqrt(t)))
    rows = -(-t // columns)
    filled = np.concatenate([clips, np.zeros((b, v, rows * columns - t, h, w, c), clips.dtype)], 2)
    cells = filled.reshape(b, v, rows, columns, h, w, c)
    return cells.transpose(0, 1, 2, 4, 3, 5, 6).reshape(b, v, rows * h, columns * w, c)


def curves(rows: Sequence[dict], path: str | os.PathLike) -> None:
    """Writes a PNG of small multiples over the step: loss, probe, kNN, rates, monitors, speed, where logged.

    rows: of metrics.jsonl; a value of None (not finite) leaves a gap. Raises ValueError where no row has any of them.
    """
    found = panels(rows)
    if not found:
        raise ValueError("there is nothing to draw: no row of metrics has a loss, an accuracy or a monitor")
    across = min(3, len(found))
    down = -(-len(found) // across)
    figure = _figure(4.0 * across, 2.5 * down + 0.5)
    figure.suptitle("Training", fontsize=13, weight="bold", color=INK, x=0.01, ha="left")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes, (key, title, scale) in zip(grid, found, strict=False):
        _curve(axes, *series(rows, key, scale))
        axes.set_title(title, fontsize=9, color=INK, loc="left")
    for axes in grid[max(0, len(found) - across) : len(found)]:
        axes.set_xlabel("step", fontsize=8, color=INK)
    for axes in grid[len(found) :]:
        axes.set_axis_off()
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    _save(figure, path)


def projection(features: np.ndarray, labels: np.ndarray, classes: Sequence[str], path: str | os.PathLike) -> None:
    """Writes a PNG: PCA and t-SNE of the unit-length features, side by side, colored by class.

    features: [n, d], d >= 2, of which 1500 at even distances are shown where there are more; labels: int [n], -1 (none)
    in light gray; classes: their names. Raises ValueError for fewer than 4 examples.
    """
    if len(features) < 4:
        raise ValueError(f"a projection needs at least 4 examples, these are {len(features)}")
    few = np.linspace(0, len(features) - 1, min(POINTS, len(features))).round().astype(int)
    x, y = np.asarray(features, np.float32)[few], np.asarray(labels)[few]
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    linear, shares = plane.pca(x)
    figure = _figure(11.5, 5.4)
    left, right = figure.subplots(1, 2)
    _scatter(left, linear, y, classes)
    left.set_title(f"PCA ({100 * shares.sum():.0f} % of the variance)", fontsize=10, color=INK, loc="left")
    perplexity = min(30.0, (len(few) - 1) / 3)
    _scatter(right, plane.tsne(x, perplexity=perplexity), y, classes)
    note = f"t-SNE, perplexity {perplexity:.0f} (distances between clusters mean nothing)"
    right.set_title(note, fontsize=10, color=INK, loc="left")
    title = f"The embedding of {len(few)} images, colored by class"
    figure.suptitle(title, fontsize=13, weight="bold", color=INK, x=0.01, ha="left")
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="center right", frameon=False, fontsize=8.5, markerscale=2.2, labelcolor=INK)
    figure.tight_layout(rect=(0, 0, 0.88, 0.98))
    _save(figure, path)


def panels(rows: Sequence[dict]) -> list[tuple[str, str, float | None]]:
    """Those of `PANELS` that rows have, with the scores of evaluations in training, and the schedules that move."""
    wanted = (*PANELS[:SCORES], *_scores(rows), *PANELS[SCORES:], *_schedules(rows))
    return [panel for panel in wanted if any(row.get(panel[0]) is not None for row in rows)]


def series(rows: Sequence[dict], key: str, scale: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a key, those that are not finite NaN."""
    found = [(row["step"], row[key]) for row in rows if key in row]
    values = [np.nan if value is None else value * (scale or 1.0) for _, value in found]
    return np.array([step for step, _ in found], int), np.array(values, float)


def running_mean(values: np.ndarray) -> np.ndarray | None:
    """Over 2 % of the values, which may have gaps; None for so few that this is a single one."""
    window = len(values) // 50
    if window <= 1:
        return None
    known = np.isfinite(values).astype(float)
    total = np.convolve(np.nan_to_num(values) * known, np.ones(window), "same")
    count = np.convolve(known, np.ones(window), "same")
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _scores(rows: Sequence[dict]) -> list[tuple[str, str, float]]:
    """Panels of the shares of examples that evaluations have found."""
    keys = {key: titles.of_share(key) for row in rows for key in row}
    return [(key, f"{title}, in training, %", 100.0) for key, title in keys.items() if title]


def _schedules(rows: Sequence[dict]) -> list[tuple[str, str, None]]:
    """Panels of the schedules that move: keys schedule/NAME with more than one value."""
    names = dict.fromkeys(key for row in rows for key in row if key.startswith("schedule/"))
    moving = [name for name in names if len({row[name] for row in rows if name in row}) > 1]
    return [(name, name.removeprefix("schedule/").replace("_", " "), None) for name in moving]


def _curve(axes: Axes, steps: np.ndarray, values: np.ndarray) -> None:
    """A curve; with many points, a running mean over 2 % of them in front of the points themselves."""
    smooth = running_mean(values)
    if smooth is not None:
        axes.plot(steps, values, color=COLORS[0], alpha=0.25, linewidth=0.8)
        values = smooth
    axes.plot(steps, values, color=COLORS[0], linewidth=1.6, marker="o" if len(values) < 15 else None, markersize=3)
    axes.grid(color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(labelsize=8, colors=INK, length=0)
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() >= 0 and finite.min() < 0.5 * finite.max():
        axes.set_ylim(bottom=0)


def _scatter(axes: Axes, xy: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> None:
    if np.any(labels < 0):
        axes.scatter(*xy[labels < 0].T, s=9, color=GRID, label="no label", linewidths=0)
    for k, name in enumerate(classes):
        mine = labels == k
        axes.scatter(
            *xy[mine].T,
            s=11,
            marker=MARKERS[(k + k // len(COLORS)) % len(MARKERS)],
            color=to_hex(COLORS[k % len(COLORS)]),
            alpha=0.75,
            linewidths=0,
            label=str(name).replace("_", " ") if k < 20 else None,
        )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(GRID)


def _displayable(images: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """[b, v, h, w, c] -> floats in 0..1, [b, v, h, w, 3] or, for gray, [b, v, h, w]; of bands the first three.

    NaN is gray.
    """
    if images.ndim != 5:
        raise ValueError(f"views are [b, v, h, w, c], these have the shape {images.shape}")
    if images.dtype.kind in "iu":
        pixels = images / np.iinfo(images.dtype).max
    else:
        pixels = images * np.asarray(std, np.float32) + np.asarray(mean, np.float32)
    pixels = pixels[..., :3] if images.shape[-1] >= 3 else pixels[..., 0]
    if images.shape[-1] not in (1, 3, 4):  # bands that fill little of their range would be black
        low, high = np.percentile(pixels, (2, 98))
        pixels = (pixels - low) / max(high - low, 1e-6)
    return np.clip(np.nan_to_num(pixels, nan=0.5), 0, 1)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: str | os.PathLike) -> None:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=130)
    path = epath.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out.getvalue())
