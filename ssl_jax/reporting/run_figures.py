"""Plotly's figures of a report, as elements of a page (the extra [report]); its script gives them the page's colors."""

import itertools
import json
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np
from plotly import graph_objects as go
from plotly.offline import get_plotlyjs

from ssl_jax.reporting import pictures
from ssl_jax.reporting.page import tag

COLORS = tuple("#9467bd" if color == "#000000" else color for color in pictures.COLORS)
"""Those of pictures, without black, which a dark page would swallow."""
SYMBOLS = ("circle", "triangle-up", "square", "diamond", "triangle-down", "cross", "x", "pentagon", "star", "hexagon")
NAMED = 20
"""Classes in a legend, and in a matrix with numbers, at most."""
HOVER = "<b>%{y:.4g}</b> at step %{x:,}<extra>%{fullData.name}</extra>"


def library() -> str:
    """plotly.js, whole."""
    return get_plotlyjs()


def curve(title: str, found: dict[str, tuple[np.ndarray, np.ndarray]]) -> go.Figure:
    """A line a run over the step, {run: (steps, values)}; of many points the running mean in front of them.

    Colors are those of `COLORS` in turn.
    """
    figure = go.Figure()
    for (name, (steps, values)), color in zip(found.items(), itertools.cycle(COLORS)):
        smooth, line = pictures.running_mean(values), dict(x=steps, name=name, line_color=color)
        line |= dict(hovertemplate=HOVER, mode="lines+markers" if len(steps) < 15 else "lines")
        if smooth is not None:
            figure.add_scatter(**line, y=values, opacity=0.3, line_width=1, hoverinfo="skip")
            figure.data[-1].hovertemplate = None
        figure.add_scatter(**line, y=values if smooth is None else smooth, line_width=2)
    figure.update_layout(title_text=title, height=230, showlegend=False)
    return figure


def scatter(title: str, places: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> go.Figure:
    """Points [n, 2] by class, with their row as `customdata`. labels: int [n], negative for none. names: of classes."""
    figure, shown = go.Figure(), np.unique(labels)
    for number in shown.tolist():
        rows = np.flatnonzero(labels == number)
        look = dict(color=COLORS[number % len(COLORS)], symbol=SYMBOLS[number // len(COLORS) % len(SYMBOLS)])
        figure.add_scatter(
            x=places[rows, 0].round(4),
            y=places[rows, 1].round(4),
            mode="markers",
            marker=dict(size=6, opacity=0.75, **(look if number >= 0 else dict(color="#8a8a8a"))),
            name=names[number] if number >= 0 else "no label",
            customdata=rows,
            hoverinfo="none",
        )
    figure.update_layout(title_text=title, height=460, legend_orientation="h", showlegend=1 < len(shown) <= NAMED)
    figure.update_xaxes(showticklabels=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, zeroline=False, scaleanchor="x")
    return figure


def confusion(counts: np.ndarray, names: Sequence[str]) -> go.Figure:
    """Counts [k, k] as shares of their row, with the numbers where classes are few."""
    shares, few = counts / np.maximum(counts.sum(1, keepdims=True), 1), len(names) <= NAMED
    names = list(names) if len(set(names)) == len(names) else [f"{name} ({k})" for k, name in enumerate(names)]
    figure = go.Figure()
    figure.add_heatmap(
        z=shares.round(4),
        customdata=counts,
        x=names,
        y=names,
        zmin=0,
        zmax=1,
        colorscale="Viridis",
        text=counts if few else None,
        texttemplate="%{text}" if few else None,
        hovertemplate="%{y}, taken for %{x}: <b>%{customdata}</b> (%{z:.0%})<extra></extra>",
        showscale=False,
    )
    axis = dict(type="category", showgrid=False, zeroline=False, showticklabels=few, automargin=True)
    figure.update_xaxes(title_text="taken for", **axis)
    figure.update_yaxes(title_text="true class", autorange="reversed", **axis)
    figure.update_layout(height=520)
    return figure


def goodput(found: dict[str, dict[str, float]]) -> go.Figure:
    """{run: {what: seconds}} as a bar a run."""
    figure, buckets = go.Figure(), dict.fromkeys(name for seconds in found.values() for name in seconds)
    for bucket, color in zip(buckets, itertools.cycle(COLORS)):
        values = [seconds.get(bucket, 0.0) for seconds in found.values()]
        if any(values):
            figure.add_bar(
                x=values,
                y=list(found),
                name=bucket,
                orientation="h",
                marker_color=color,
                hovertemplate="%{x:,.1f} s<extra>" + bucket + "</extra>",
            )
    figure.update_layout(barmode="stack", height=200 + 40 * len(found), legend_orientation="h")
    figure.update_xaxes(ticksuffix=" s")
    figure.update_yaxes(automargin=True, autorange="reversed")
    return figure


def element(figure: go.Figure, described: str, shelf: str = "") -> Element:
    """The figure for a page. described: for who cannot see it. shelf: the id of `shelf`, for thumbnails at points."""
    title = (figure.layout.title.text or "").replace("\n", "<br>")
    figure.update_layout(
        template="none",
        margin=dict(l=52, r=12, t=20 + 18 * (title.count("<br>") + bool(title)), b=36),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font=dict(family="system-ui, sans-serif", size=12),
        title=dict(
            text=title, font_size=13, x=0, xanchor="left", xref="container", pad=dict(l=8, t=14), y=1, yanchor="top"
        ),
        # below the numbers of the axis, in shares of the plot
        legend=dict(y=-48 / figure.layout.height, yanchor="top", x=0, xanchor="left", traceorder="normal"),
    )
    data = tag("script", escaped(figure.to_json()), type="application/json")
    more = {"data_shelf": shelf} if shelf else {}
    height = f"height: {figure.layout.height}px"
    return tag("div", data, class_="figure", role="img", aria_label=described, style=height, **more)


def shelf(name: str, urls: Sequence[str], texts: Sequence[str]) -> Element:
    """Thumbnails with what is said of them, by the row of their point: data URLs, "" for none."""
    held = json.dumps({"urls": list(urls), "texts": list(texts)})
    return tag("script", escaped(held), type="application/json", id=name)


def escaped(text: str) -> str:
    """JSON that no browser takes for an end of its script."""
    return text.replace("<", "\\u003c")
