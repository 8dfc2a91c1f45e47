"""A value for every row and column, as colour, with the colour bar that explains it.

The cells are drawn as one path per colour step, which keeps a 128 × 128 tile to some 200 kB instead
of several MB; the numbers under the pointer come from the page's script, which gets them once as a
list.
"""

from __future__ import annotations

import json

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from cosim.report.axes import LEFT, TOP
from cosim.report.model import Axis, HeatMap
from cosim.report.scales import Scale, ticks
from cosim.report.shown import quantity
from cosim.report.svg import drawing, element, group, label, line, number, rectangle


STEPS = 33
# Anchors of the two colour scales, from low to high: dark blue to pale yellow through green, with
# steadily rising lightness; and blue to red through a neutral middle.
RISING = ("261e58", "2a528e", "218389", "54b270", "b8d65c", "faf096")
MEETING = ("1c5298", "6ea2d2", "f0f0ee", "e28c68", "a42c30")

AREA = 290.0
WIDE_AREA = 730.0
LOWEST_BAR = 84.0
FLAT_ROW = 36.0  # a map of very few rows is drawn with higher cells, at most this high
BAR_GAP, BAR_WIDTH, BAR_ROOM = 22.0, 14.0, 52.0


def heat_map(chart: HeatMap, wide: bool = False) -> Markup:
    """The map, its two axes, and the colour bar; `wide` gives room to maps of few rows."""
    rows, cols = chart.values.shape
    size = cell_size(rows, cols, WIDE_AREA if wide else AREA)
    width, height = size[0] * cols, size[1] * rows
    low, high = value_range(chart)
    markup = [
        rectangle(LEFT, TOP, width, height, "missing"),
        _cells(steps_of(chart.values, low, high), size, chart.diverging),
        *_cell_axes(chart, size),
        *_colour_bar(chart, LEFT + width + BAR_GAP, height, (low, high)),
        _readout(chart, size),
    ]
    text = (
        f"{chart.label} of {rows} rows and {cols} columns, "
        f"from {quantity(low, chart.unit)} to {quantity(high, chart.unit)}"
    )
    total_width = LEFT + width + BAR_GAP + BAR_WIDTH + BAR_ROOM
    return drawing(total_width, TOP + max(height + 46, LOWEST_BAR + 10), text, markup)


def cell_size(rows: int, cols: int, room: float = AREA) -> tuple[float, float]:
    """Width and height of a cell in the drawing: square, unless there are very few rows."""
    side = min(room / cols, AREA / rows)
    return side, max(side, min(FLAT_ROW, AREA / 2 / rows))


def value_range(chart: HeatMap) -> tuple[float, float]:
    """The values at the two ends of the colour scale."""
    finite = chart.values[np.isfinite(chart.values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if chart.diverging:
        high = max(abs(low), abs(high))
        low = -high
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def steps_of(
    values: Float[np.ndarray, "rows cols"], low: float, high: float
) -> Int[np.ndarray, "rows cols"]:
    """The colour step of every value; -1 where there is none."""
    known = np.isfinite(values)
    fraction = (np.where(known, values, low) - low) / (high - low)
    steps = np.clip(np.floor(fraction * STEPS), 0, STEPS - 1).astype(int)
    return np.where(known, steps, -1)


def colour(step: int, diverging: bool) -> str:
    """The colour of a step, as `#rrggbb`."""
    anchors = np.array([list(bytes.fromhex(one)) for one in (MEETING if diverging else RISING)])
    position = step / (STEPS - 1) * (len(anchors) - 1)
    channels = [
        round(float(np.interp(position, np.arange(len(anchors)), anchors[:, channel])))
        for channel in range(3)
    ]
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def _cells(
    steps: Int[np.ndarray, "rows cols"], size: tuple[float, float], diverging: bool
) -> Markup:
    width, height = size
    # A hair of overlap leaves no seams between neighbours.
    edge = f"h{number(width + 0.15)}v{number(height + 0.15)}h-{number(width + 0.15)}z"
    paths = []
    for step in np.unique(steps[steps >= 0]):
        squares = "".join(
            f"M{number(LEFT + col * width)} {number(TOP + row * height)}{edge}"
            for row, col in np.argwhere(steps == step)
        )
        paths.append(element("path", d=squares, fill=colour(int(step), diverging)))
    return group(paths, class_="cells")


def _cell_axes(chart: HeatMap, size: tuple[float, float]) -> list[Markup]:
    rows, cols = chart.values.shape
    width, height = size
    bottom = TOP + height * rows
    markup = [
        label(8, TOP - 14, chart.row_label, "axis-title", "start"),
        label(LEFT + width * cols / 2, bottom + 36, chart.col_label, "axis-title"),
    ]
    for row in _shown_indices(rows) if rows > 1 else ():
        markup.append(label(LEFT - 8, TOP + (row + 0.5) * height + 4, str(row), anchor="end"))
    for col in _shown_indices(cols):
        markup.append(label(LEFT + (col + 0.5) * width, bottom + 18, str(col)))
    return markup


def _shown_indices(count: int) -> list[int]:
    """First, last, and round indices between them that do not crowd the last."""
    every = next(step for step in (1, 2, 4, 8, 16, 32, 64, 128) if count / step <= 9)
    inner = (index for index in range(0, count - 1, every) if count - 1 - index >= 0.75 * every)
    return [*inner, count - 1]


def _colour_bar(chart: HeatMap, x: float, height: float, ends: tuple[float, float]) -> list[Markup]:
    extent = max(height, LOWEST_BAR)
    scale = Scale(ends[0], ends[1], TOP + extent, TOP)
    marks = ticks(Axis(chart.label, chart.unit), scale, target=max(2, round(extent / 55)))
    piece = extent / STEPS
    bar = [
        element(
            "rect",
            x=x,
            y=TOP + extent - (step + 1) * piece,
            width=BAR_WIDTH,
            height=piece + 0.3,
            fill=colour(step, chart.diverging),
        )
        for step in range(STEPS)
    ]
    right = x + BAR_WIDTH + BAR_ROOM - 4
    markup = [group(bar), label(right, TOP - 14, marks.title, "axis-title", "end")]
    for value, text in zip(marks.values, marks.labels, strict=True):
        position = scale.at(value)
        markup.append(line(x + BAR_WIDTH, position, x + BAR_WIDTH + 5, position, "axis"))
        markup.append(label(x + BAR_WIDTH + 9, position + 4, text, anchor="start"))
    return markup


def _readout(chart: HeatMap, size: tuple[float, float]) -> Markup:
    """An invisible cover that carries the numbers for the page's script."""
    rows, cols = chart.values.shape
    texts = [[quantity(float(value), chart.unit) for value in row] for row in chart.values]
    return element(
        "rect",
        x=LEFT,
        y=TOP,
        width=size[0] * cols,
        height=size[1] * rows,
        class_="cover",
        data_cells=json.dumps(texts, ensure_ascii=False, separators=(",", ":")),
    )
