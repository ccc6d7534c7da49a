"""Single figures of a report: what they hold is what was given."""

import json

import numpy as np
import pytest

from ssl_jax.reporting import run_figures


def test_a_curve_has_a_line_a_run_and_the_mean_of_many_points():
    steps = np.arange(200)
    figure = run_figures.curve("loss", {"a": (steps, np.sin(steps)), "b": (steps[:3], np.array([1.0, np.nan, 2.0]))})
    raw, mean, few = figure.data
    assert [line.name for line in figure.data] == ["a", "a", "b"] and raw.opacity < 1
    np.testing.assert_array_equal(raw.y, np.sin(steps))
    assert mean.y[100] == pytest.approx(np.sin(steps)[98:102].mean()) and few.mode == "lines+markers"
    assert raw.line.color == mean.line.color != few.line.color


def test_a_map_has_a_trace_a_class_and_each_point_once():
    places, labels = np.arange(14.0).reshape(7, 2), np.array([2, 0, -1, 2, 0, -1, 2])
    figure = run_figures.scatter("map", places, labels, ("ant", "bee", "cat"))
    assert [trace.name for trace in figure.data] == ["no label", "ant", "cat"]
    rows = np.concatenate([trace.customdata for trace in figure.data])
    assert sorted(rows.tolist()) == list(range(7))
    for trace in figure.data:
        np.testing.assert_array_equal(np.stack([trace.x, trace.y], 1), places[trace.customdata])


def test_a_confusion_matrix_has_shares_and_counts():
    counts = np.array([[3, 1], [0, 0]])
    [heat] = run_figures.confusion(counts, ("a", "a")).data
    np.testing.assert_allclose(heat.z, [[0.75, 0.25], [0, 0]])
    np.testing.assert_array_equal(heat.text, counts)
    assert list(heat.x) == ["a (0)", "a (1)"], "two classes of one name would be one column"
    assert run_figures.confusion(np.eye(30, dtype=int), [str(k) for k in range(30)]).data[0].text is None


def test_the_time_of_runs_adds_up():
    figure = run_figures.goodput({"a": {"step": 3.0, "other": 0.0}, "b": {"step": 1.0, "evaluation": 2.0}})
    assert {bar.name: list(bar.x) for bar in figure.data} == {"step": [3.0, 1.0], "evaluation": [0.0, 2.0]}


def test_no_name_ends_the_script_that_holds_it():
    name = "</script><script>alert(1)</script>"
    figure = run_figures.element(run_figures.curve(name, {name: (np.arange(3), np.arange(3.0))}), "curve")
    held = run_figures.shelf("shelf", [""], [name])
    for text in (figure.find("script").text, held.text):
        assert "<" not in text
    assert json.loads(held.text)["texts"] == [name]
