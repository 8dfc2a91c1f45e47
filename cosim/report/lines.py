"""Charts of points in a plane: lines, scatter, and parity against a reference.

Every series has its own colour, marker shape and (for lines) dash, so that none of them alone has
to tell two series apart.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Real
from markupsafe import Markup

from cosim.report.axes import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Frame,
    framed,
    horizontal_axis,
    horizontal_marks,
    vertical_axis,
)
from cosim.report.model import Axis, LineChart, ParityChart, ScatterChart, Series
from cosim.report.scales import Scale, fitted_scale, ticks
from cosim.report.shown import quantity
from cosim.report.svg import drawing, element, group, label, line, number, path


PALETTE = 6  # series colours that the style sheet defines
MARKED_POINTS = 24  # markers of a line with more points show only under the pointer
POINTED_POINTS = 150  # a line with more points than this has none
# Corners of the markers in units of their size: circle (none), square, diamond, triangle.
MARKERS: tuple[tuple[tuple[float, float], ...], ...] = (
    (),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((-1.2, 0), (0, -1.2), (1.2, 0), (0, 1.2)),
    ((-1.1, 0.8), (0, -1.2), (1.1, 0.8)),
)
CLOUD_POINTS = 4000  # more points than this only make the page heavier


def line_chart(chart: LineChart, width: float = WIDTH) -> Markup:
    """Several series as lines."""
    frame = framed(chart.x, chart.y, *_all_values(chart), width)
    curves = [_curve(index, series, chart, frame) for index, series in enumerate(chart.series)]
    marks = horizontal_marks(chart.marks, frame.x, frame.y)
    height = frame.y.start + BOTTOM
    return drawing(width, height, describe(chart), [frame.markup, *marks, *curves])


def scatter_chart(chart: ScatterChart, width: float = WIDTH) -> Markup:
    """Several series as points."""
    frame = framed(chart.x, chart.y, *_all_values(chart), width)
    clouds = [_points(index, series, chart, frame) for index, series in enumerate(chart.series)]
    return drawing(width, frame.y.start + BOTTOM, describe(chart), [frame.markup, *clouds])


def parity_chart(chart: ParityChart) -> Markup:
    """Predicted against reference on one common range, square, with the diagonal."""
    size = 360.0
    reference, predicted = shown_pairs(chart)
    both = np.concatenate([reference, predicted])
    x = fitted_scale(chart.reference, both, LEFT, LEFT + size - LEFT - RIGHT)
    y = Scale(x.low, x.high, size - BOTTOM, TOP, x.log)
    axes = [
        *horizontal_axis(x, ticks(chart.reference, x), y),
        *vertical_axis(y, ticks(chart.predicted, y), x),
        line(x.start, y.start, x.end, y.end, "diagonal"),
        label(x.end - 20, y.end + 12, "equal", "mark-label", "end"),
    ]
    kept = most_telling(np.abs(predicted - reference), CLOUD_POINTS)
    xs, ys = x(reference[kept]), y(predicted[kept])
    dots = "".join(f"M{number(px)} {number(py)}h0" for px, py in zip(xs, ys, strict=True))
    cloud = element("path", d=dots, class_="cloud s1")
    text = (
        f"{chart.predicted.label} against {chart.reference.label}: "
        f"{reference.size} points around the diagonal"
    )
    return drawing(size, size, text, [*axes, cloud])


def shown_pairs(
    chart: ParityChart,
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """Reference and prediction where the chart can show both."""
    series = Series("", chart.reference_values, chart.predicted_values)
    shown = _shown(series, chart.reference, chart.predicted)
    return chart.reference_values[shown], chart.predicted_values[shown]


def most_telling(error: Real[np.ndarray, " points"], count: int) -> Int[np.ndarray, " kept"]:
    """At most `count` indices: the largest errors, and the others evenly thinned."""
    if error.size <= count:
        return np.arange(error.size)
    order = np.argsort(error, kind="stable")
    rest, worst = order[: -count // 2], order[-count // 2 :]
    thinned = rest[np.linspace(0, rest.size - 1, count - worst.size).astype(int)]
    return np.sort(np.concatenate([thinned, worst]))


def describe(chart: LineChart | ScatterChart) -> str:
    """One sentence for those who do not see the chart."""
    names = ", ".join(series.name for series in chart.series)
    return f"{chart.y.label} against {chart.x.label} for {names}"


def marker(index: int, x: float, y: float, tip: str = "", size: float = 3.6) -> Markup:
    """The marker of series `index`: circle, square, diamond, triangle, in turn."""
    class_ = f"marker s{index % PALETTE + 1}"
    title = (element("title", tip),) if tip else ()
    corners_of = MARKERS[index % len(MARKERS)]
    if not corners_of:
        return element("circle", *title, cx=x, cy=y, r=size, class_=class_)
    corners = " ".join(f"{number(x + size * dx)},{number(y + size * dy)}" for dx, dy in corners_of)
    return element("polygon", *title, points=corners, class_=class_)


def _all_values(
    chart: LineChart | ScatterChart,
) -> tuple[Real[np.ndarray, " xs"], Real[np.ndarray, " ys"]]:
    xs = [np.asarray(series.x, dtype=float) for series in chart.series]
    ys = [np.asarray(series.y, dtype=float) for series in chart.series]
    return np.concatenate([*xs, np.empty(0)]), np.concatenate([*ys, np.empty(0)])


def _curve(index: int, series: Series, chart: LineChart, frame: Frame) -> Markup:
    dash = " dashed" if series.dashed else ""
    shown = _shown(series, chart.x, chart.y)
    points = list(zip(frame.x(series.x[shown]), frame.y(series.y[shown]), strict=True))
    curve = path(points, f"line s{index % PALETTE + 1}{dash}")
    if len(points) > POINTED_POINTS:
        return curve
    hidden = "hidden" if len(points) > MARKED_POINTS else None
    return group([curve, group([_points(index, series, chart, frame)], class_=hidden)])


def _points(index: int, series: Series, chart: LineChart | ScatterChart, frame: Frame) -> Markup:
    shown = _shown(series, chart.x, chart.y)
    return group(
        marker(
            index,
            frame.x.at(x),
            frame.y.at(y),
            f"{series.name}: {_point_text(chart, float(x), float(y))}",
        )
        for x, y in zip(series.x[shown], series.y[shown], strict=True)
    )


def _point_text(chart: LineChart | ScatterChart, x: float, y: float) -> str:
    return f"{quantity(y, chart.y.unit)} at {quantity(x, chart.x.unit)}"


def _shown(series: Series, x: Axis, y: Axis) -> Bool[np.ndarray, " points"]:
    shown = np.isfinite(series.x) & np.isfinite(series.y)
    if x.log:
        shown &= series.x > 0
    if y.log:
        shown &= series.y > 0
    return shown
