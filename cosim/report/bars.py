"""Charts of amounts: histogram, groups with their draws, and where the time went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from cosim.report.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    framed,
    vertical_axis,
    vertical_marks,
)
from cosim.report.lines import PALETTE, marker
from cosim.report.model import Axis, GroupChart, GroupSeries, Histogram, TimeBar
from cosim.report.scales import Scale, fitted_scale, ticks
from cosim.report.shown import quantity, significant
from cosim.report.svg import drawing, group, label, line, rectangle


SERIES_PITCH = 48.0  # widest distance between the series of one group, in a chart of usual width
VALUE_ROOM = 20.0  # for the line of means above the area
GROUP_ROOM = 36.0  # for the names of the groups below it


def histogram(chart: Histogram, width: float = WIDTH) -> Markup:
    """Counts in equal bins, with marked positions."""
    counts, edges = counted(chart)
    reach = np.concatenate([edges, [float(mark.value) for mark in chart.marks]])
    count_axis = Axis("samples", low=0)
    frame = framed(
        chart.x, count_axis, reach, np.append(counts, np.ceil(counts.max() * 1.04)), width
    )
    bars = []
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        x, top, end = frame.x.at(left), frame.y.at(float(count)), frame.x.at(right)
        low, high = quantity(float(left), chart.x.unit), quantity(float(right), chart.x.unit)
        tip = f"{count} samples from {low} to {high}"
        extent = max(end - x - 1, 0.5)
        bars.append(rectangle(x + 0.5, top, extent, frame.y.start - top, "bar s1", tip))
    marks = vertical_marks(chart.marks, frame.x, frame.y)
    text = f"Histogram of {chart.x.label}, {chart.values.size} samples in {counts.size} bins"
    return drawing(width, frame.y.start + BOTTOM, text, [frame.markup, group(bars), *marks])


def counted(chart: Histogram) -> tuple[Int[np.ndarray, " bins"], Float[np.ndarray, " edges"]]:
    """How many finite values fall into each bin, and the bins' edges."""
    values = np.asarray(chart.values, dtype=float)
    counts, edges = np.histogram(values[np.isfinite(values)], bins=chart.bins)
    return counts, edges


def group_chart(chart: GroupChart, width: float = WIDTH) -> Markup:
    """Mean, standard deviation and every draw of each series, group by group."""
    values = np.concatenate([series.values.ravel() for series in chart.series])
    y = fitted_scale(chart.y, values, HEIGHT - BOTTOM, TOP + VALUE_ROOM, margin=0.1)
    marks = ticks(chart.y, y)
    x = Scale(0.0, float(len(chart.groups)), LEFT, width - RIGHT)
    room = (x.end - x.start) / len(chart.groups)
    pitch = min(SERIES_PITCH * (width / WIDTH) ** 0.5, 0.8 * room / len(chart.series))
    markup = vertical_axis(y, marks, x)
    markup.append(line(x.start, y.start, x.end, y.start, "axis"))
    for place, name in enumerate(chart.groups):
        center = x.at(place + 0.5)
        markup.append(label(center, y.start + 24, name, "group"))
        for index, series in enumerate(chart.series):
            position = center + (index - (len(chart.series) - 1) / 2) * pitch
            draws = series.values[place]
            column = _Column(position, pitch, index, f"{name}, {series.name}", marks.factor)
            markup.append(_draws(draws[np.isfinite(draws)], column, y, chart.y))
    text = f"{chart.y.label} of {', '.join(chart.groups)}: {_names(chart.series)}"
    return drawing(width, y.start + GROUP_ROOM, text, markup)


@dataclass(frozen=True)
class _Column:
    """Where one series of one group stands, its colour and name, and the axis' factor."""

    center: float
    room: float
    index: int
    name: str
    factor: float


def _draws(draws: Float[np.ndarray, " draws"], column: _Column, y: Scale, axis: Axis) -> Markup:
    if draws.size == 0:
        return Markup("")
    mean, half = float(draws.mean()), column.room * 0.36
    colour = f"s{column.index % PALETTE + 1}"
    middle, left, right = y.at(mean), column.center - half, column.center + half
    tip = f"{column.name}: mean {quantity(mean, axis.unit)} of {draws.size}"
    markup = []
    if y.low == 0:
        markup.append(rectangle(left, middle, 2 * half, y.start - middle, f"bar {colour}", tip))
    if draws.size > 1:
        spread = float(draws.std(ddof=1))
        top, bottom = y.at(mean + spread), y.at(mean - spread)
        markup.append(rectangle(left, top, 2 * half, bottom - top, f"spread {colour}"))
        offsets = np.linspace(-0.6, 0.6, draws.size) * half
        for offset, value in zip(offsets, draws, strict=True):
            words = f"{column.name}: {quantity(float(value), axis.unit)}"
            markup.append(marker(column.index, column.center + offset, y.at(value), words, 3.0))
    markup.append(line(left, middle, right, middle, f"mean {colour}"))
    words = significant(mean * column.factor, 3)
    markup.append(label(column.center, y.end - 6, words, "value"))
    return group(markup)


def _names(series: tuple[GroupSeries, ...]) -> str:
    return ", ".join(one.name for one in series)


def time_bar(chart: TimeBar) -> Markup:
    """One bar across the whole width, divided by duration."""
    total = sum(float(seconds) for _, seconds in chart.parts)
    width, height = 1040.0, 34.0
    markup, position = [], 0.0
    for index, (name, seconds) in enumerate(chart.parts):
        extent = width * float(seconds) / total if total else 0.0
        share = float(seconds) / total if total else 0.0
        tip = f"{name}: {quantity(float(seconds), 's')}, {quantity(share, '%', 2)}"
        colour = f"bar s{index % PALETTE + 1}"
        markup.append(rectangle(position, 0, max(extent - 1.5, 0.5), height, colour, tip))
        position += extent
    parts = ", ".join(f"{name} {quantity(float(s), 's')}" for name, s in chart.parts)
    return drawing(width, height, f"Time spent: {parts}", markup, stretched=True)
