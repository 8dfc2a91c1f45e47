"""The numbers of every chart, read back from its drawing."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from cosim.report.bars import counted
from cosim.report.figures import draw, is_wide, legend, numbers
from cosim.report.heatmap import STEPS, colour, steps_of
from cosim.report.lines import most_telling
from cosim.report.model import (
    Axis,
    Figure,
    GroupChart,
    GroupSeries,
    HeatMap,
    Histogram,
    LineChart,
    Mark,
    ParityChart,
    ScatterChart,
    Series,
    TimeBar,
)


def elements(chart, tag, class_=None):
    """Elements of a chart's drawing, in order."""
    found = ElementTree.fromstring(str(draw(chart))).iter(tag)
    return [e for e in found if class_ is None or class_ in e.get("class", "").split()]


def points_of(path):
    """Coordinates of a path of straight lines."""
    return np.array([float(n) for n in re.findall(r"-?[0-9.]+", path.get("d"))]).reshape(-1, 2)


def assert_linear(drawn, values):
    """`drawn` is an affine image of `values`, to the precision of two decimals."""
    slope, offset = np.polyfit(values, drawn, 1)
    assert drawn == pytest.approx(slope * np.asarray(values) + offset, abs=0.02)


def tick_positions(chart, labels, axis):
    """Where an axis shows the numbers `labels`."""
    texts = {e.text: float(e.get(axis)) for e in elements(chart, "text", "tick")}
    return np.array([texts[label] for label in labels])


def test_line_passes_through_its_values_on_the_scale_of_its_ticks():
    x = np.array([0.0, 0.5, 2.0])
    y = np.array([-1e-6, 3e-6, 2e-6])
    chart = LineChart(
        Axis("time", "s", low=0, high=2),
        Axis("current", "A", low=-2e-6, high=4e-6),
        (Series("a", x, y),),
    )

    drawn = points_of(elements(chart, "path", "line")[0])

    at_tick = tick_positions(chart, ("0.0", "2.0"), "x")
    assert drawn[:, 0] == pytest.approx(np.interp(x, [0, 2], at_tick), abs=0.02)
    at_tick = tick_positions(chart, ("−2", "4"), "y") - 4  # labels stand 4 below their line
    assert drawn[:, 1] == pytest.approx(np.interp(y, [-2e-6, 4e-6], at_tick), abs=0.02)


def test_logarithmic_line_is_straight_in_the_logarithm():
    x = np.logspace(-3, 0, 7)
    chart = LineChart(
        Axis("t", "s", log=True), Axis("e", "%", log=True), (Series("a", x, x**-0.5),)
    )

    drawn = points_of(elements(chart, "path", "line")[0])

    assert_linear(drawn[:, 0], np.log10(x))
    assert_linear(drawn[:, 1], -0.5 * np.log10(x))


def test_values_that_a_logarithm_cannot_take_are_left_out():
    series = Series("a", np.array([0.0, 1.0, 10.0]), np.array([1.0, np.nan, 2.0]))
    chart = LineChart(Axis("x", log=True), Axis("y"), (series,))

    assert len(points_of(elements(chart, "path", "line")[0])) == 1


def test_series_differ_in_colour_and_in_marker_shape():
    x = np.array([0.0, 1.0])
    chart = LineChart(
        Axis("x"), Axis("y"), tuple(Series(n, x, x + i) for i, n in enumerate("abcd"))
    )
    markers = [e for tag in ("circle", "polygon") for e in elements(chart, tag, "marker")]

    looks = {(e.get("class"), len(e.get("points", "").split())) for e in markers}
    assert len(looks) == 4
    assert [entry.name for entry in legend(chart)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("count", "visible", "hidden"), [(24, 24, 0), (100, 0, 100), (500, 0, 0)])
def test_markers_of_dense_lines_wait_for_the_pointer(count, visible, hidden):
    x = np.linspace(0.0, 1.0, count)
    drawn = ElementTree.fromstring(str(draw(LineChart(Axis("x"), Axis("y"), (Series("a", x, x),)))))
    waiting = [m for g in drawn.iter("g") if g.get("class") == "hidden" for m in g.iter("circle")]

    assert len(waiting) == hidden
    assert len(list(drawn.iter("circle"))) == visible + hidden


def test_scatter_markers_stand_at_their_values_and_say_them():
    series = Series("chips", np.array([1.0, 2.0, 4.0]), np.array([1e-6, 3e-6, 2e-6]))
    chart = ScatterChart(Axis("x", "V"), Axis("y", "A"), (series,))

    drawn = elements(chart, "circle", "marker")

    assert_linear([float(e.get("cx")) for e in drawn], series.x)
    assert_linear([float(e.get("cy")) for e in drawn], series.y)
    assert drawn[1][0].text == "chips: 3 µA at 2 V"


def test_parity_points_lie_on_the_diagonal_where_both_agree():
    reference = np.linspace(-1e-5, 3e-5, 50)
    predicted = reference.copy()
    predicted[10] += 1e-5
    chart = ParityChart(Axis("ngspice", "A"), Axis("surrogate", "A"), reference, predicted)
    diagonal = elements(chart, "line", "diagonal")[0]
    x1, y1, x2, y2 = (float(diagonal.get(name)) for name in ("x1", "y1", "x2", "y2"))
    cloud = elements(chart, "path", "cloud")[0].get("d")
    drawn = np.array(re.findall(r"M([0-9.-]+) ([0-9.-]+)h0", cloud), dtype=float)

    above = (y1 + (drawn[:, 0] - x1) * (y2 - y1) / (x2 - x1)) - drawn[:, 1]

    assert np.flatnonzero(above > 0.1).tolist() == [10]
    assert np.abs(np.delete(above, 10)).max() < 0.03
    table = dict(numbers(chart).rows)
    assert table["largest error"] == "10 µA"
    assert table["root mean square error"] == "1.41 µA"


def test_thinned_cloud_keeps_the_largest_errors():
    error = np.random.default_rng(1).random(10_000)

    kept = most_telling(error, 1000)

    assert kept.size <= 1000
    assert set(np.argsort(error)[-500:]) <= set(kept)


def test_histogram_bars_are_as_high_as_their_counts_and_hold_every_value():
    values = np.random.default_rng(2).normal(size=500)
    chart = Histogram(Axis("error", "V"), values, bins=12, marks=(Mark("limit", 1.0),))
    counts, edges = counted(chart)

    bars = elements(chart, "rect", "bar")

    assert counts.sum() == 500
    assert counts == pytest.approx(np.histogram(values, bins=12)[0])
    assert_linear([float(bar.get("height")) for bar in bars], counts)
    mark = float(elements(chart, "line", "mark")[0].get("x1"))
    lefts = np.array([float(bar.get("x")) for bar in bars])
    assert mark == pytest.approx(np.interp(1.0, edges[:-1], lefts - 0.5), abs=0.05)


def group_chart(low=None):
    draws = np.array([[0.80, 0.84, 0.88], [0.90, 0.94, np.nan]])
    series = (GroupSeries("surrogate", draws), GroupSeries("ngspice", draws - 0.02))
    return GroupChart(Axis("Accuracy", "%", low=low), ("plain", "aware"), series)


def test_group_chart_shows_mean_spread_and_every_draw():
    chart = group_chart()

    means = [float(e.get("y1")) for e in elements(chart, "line", "mean")]
    assert_linear(means, [0.84, 0.82, 0.92, 0.90])
    assert len(elements(chart, "circle", "marker")) == 5
    texts = [e.text for e in elements(chart, "text", "value")]
    assert texts == ["84.0", "82.0", "92.0", "90.0"]
    per_unit = (means[0] - means[2]) / 0.08
    bands = [float(e.get("height")) for e in elements(chart, "rect", "spread")]
    assert bands[0] / per_unit == pytest.approx(2 * np.std([0.80, 0.84, 0.88], ddof=1), rel=2e-3)


def test_bars_are_drawn_only_when_the_axis_starts_at_zero():
    assert elements(group_chart(), "rect", "bar") == []

    heights = [float(bar.get("height")) for bar in elements(group_chart(low=0.0), "rect", "bar")]
    assert np.array(heights) / heights[0] == pytest.approx(
        np.array([84, 82, 92, 90]) / 84, rel=1e-3
    )


def test_group_table_gives_mean_and_standard_deviation_of_the_draws():
    row = numbers(group_chart()).rows[0]

    assert row[0] == "plain, surrogate"
    assert row[1:] == pytest.approx((0.84, 0.04, 0.80, 0.88, 3))


def test_heat_map_colours_every_cell_by_its_value():
    values = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, np.nan]])
    chart = HeatMap(values, "error", "V")
    drawn = {}
    for path in elements(chart, "path"):
        for x, y in re.findall(r"M([0-9.]+) ([0-9.]+)h", path.get("d")):
            drawn[float(x), float(y)] = path.get("fill")
    xs, ys = sorted({x for x, _ in drawn}), sorted({y for _, y in drawn})

    expected = np.clip(np.floor(values / 4 * STEPS), 0, STEPS - 1)
    for row in range(2):
        for col in range(3):
            found = drawn.get((xs[col], ys[row]))
            step = expected[row, col]
            assert found == (None if np.isnan(step) else colour(int(step), diverging=False))


def test_heat_map_hands_its_numbers_to_the_pointer():
    chart = HeatMap(np.array([[1e-6, 2e-6]]), "error", "A")

    assert json.loads(elements(chart, "rect", "cover")[0].get("data-cells")) == [["1 µA", "2 µA"]]


def test_colours_of_signed_values_meet_at_zero():
    steps = steps_of(np.array([[-1.0, 0.0, 1.0]]), -1.0, 1.0)

    assert steps.tolist() == [[0, STEPS // 2, STEPS - 1]]
    assert colour(STEPS // 2, diverging=True) == "#f0f0ee"


def test_lightness_of_the_rising_colours_rises():
    def lightness(text):
        red, green, blue = bytes.fromhex(text[1:])
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    steps = [lightness(colour(step, diverging=False)) for step in range(STEPS)]
    assert np.all(np.diff(steps) > 0)


def test_time_bar_divides_its_width_by_the_durations():
    chart = TimeBar((("sampling", 60.0), ("fit", 30.0), ("training", 150.0)))
    bars = elements(chart, "rect", "bar")

    starts = [float(bar.get("x")) for bar in bars]
    assert np.diff([*starts, 1040.0]) / 1040 == pytest.approx([0.25, 0.125, 0.625], abs=1e-4)
    assert legend(chart)[2].note == "2 min 30 s, 62 %"


def test_table_of_lines_on_one_grid_has_a_column_per_series():
    x = np.array([0.0, 1.0])
    chart = LineChart(
        Axis("x", "V"), Axis("y", "A"), (Series("a", x, 2 * x), Series("b", x, 3 * x))
    )

    table = numbers(chart)

    assert [column.label for column in table.columns] == ["x", "a", "b"]
    assert table.rows == ((0.0, 0.0, 0.0), (1.0, 2.0, 3.0))


def test_table_of_lines_on_different_grids_names_the_series():
    a, b = np.array([0.0]), np.array([1.0])
    chart = LineChart(Axis("x"), Axis("y"), (Series("a", a, a), Series("b", b, b)))

    assert numbers(chart).rows == (("a", 0.0, 0.0), ("b", 1.0, 1.0))


def test_labels_of_marks_are_stacked_only_where_they_would_overlap():
    values = np.linspace(0.0, 1.0, 100)
    marks = (Mark("first limit", 0.1), Mark("second limit", 0.12), Mark("far limit", 0.9))
    labels = elements(Histogram(Axis("x"), values, marks=marks), "text", "mark-label")

    heights = [float(label.get("y")) for label in labels]
    assert heights[1] > heights[0] == heights[2]


@pytest.mark.parametrize(("shape", "wide"), [((1, 32), True), ((32, 32), False)])
def test_only_a_flat_map_takes_the_whole_width(shape, wide):
    figure = Figure("map", HeatMap(np.zeros(shape), "value"), wide=True)

    assert is_wide(figure) is wide


EMPTY = np.empty(0)
FLAT = np.full(4, 3e-6)
HOLES = np.array([np.nan, 1e-6, np.inf, 2e-6])


@pytest.mark.parametrize("values", [EMPTY, FLAT, HOLES], ids=["empty", "flat", "holes"])
@pytest.mark.parametrize("wide", [False, True])
def test_every_chart_can_be_drawn_of_poor_data(values, wide):
    x, y = Axis("x", "V"), Axis("y", "A")
    series = (Series("a", values, values),)
    draws = GroupSeries("a", values.reshape(1, -1))
    charts = (
        LineChart(x, y, series),
        LineChart(Axis("x", log=True), Axis("y", log=True), series),
        LineChart(x, y, ()),
        ScatterChart(x, y, series),
        ParityChart(x, y, values, values),
        Histogram(x, values),
        GroupChart(y, ("group",), (draws,)),
        HeatMap(values.reshape(1, -1), "value") if values.size else TimeBar(()),
        TimeBar((("nothing", 0.0),)),
    )
    for chart in charts:
        drawn = str(draw(chart, wide))
        ElementTree.fromstring(drawn)
        assert "nan" not in drawn.lower().replace("\N{EN DASH}", ""), chart
        assert "inf" not in drawn.lower(), chart
        numbers(chart)
