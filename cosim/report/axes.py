"""The frame that every chart with two axes has: area, grid, tick labels, axis titles.

     (0, 0)
        ┌──────────────────────────────┐
        │ title of y                   │
        │  ┌────────────────────────┐  │
        │ 2│- - - - grid - - - - - -│  │        LEFT, TOP, RIGHT, BOTTOM are the
        │ 1│- - - - - - - - - - - - │  │        margins around the area
        │  └────────────────────────┘  │
        │   0      1      2      3     │
        │         title of x           │
        └──────────────────────────────┘ (WIDTH, HEIGHT)

The title of the vertical axis stands above it, level, where it can be read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Real
from markupsafe import Markup

from cosim.report.model import Axis, Mark
from cosim.report.scales import Scale, Ticks, are_counts, fitted_scale, ticks
from cosim.report.svg import group, label, line


WIDTH, HEIGHT = 440.0, 290.0
WIDE = 880.0
LEFT, TOP, RIGHT, BOTTOM = 56.0, 32.0, 14.0, 48.0
CHARACTER = 6.6  # mean width of a character of a tick label


@dataclass(frozen=True)
class Frame:
    """Both scales of a chart and the markup around its area."""

    x: Scale
    y: Scale
    markup: Markup


def framed(
    x_axis: Axis,
    y_axis: Axis,
    x_values: Real[np.ndarray, " xs"],
    y_values: Real[np.ndarray, " ys"],
    width: float = WIDTH,
) -> Frame:
    """A frame of this width whose axes show all the values."""
    x = fitted_scale(x_axis, x_values, LEFT, width - RIGHT)
    y = fitted_scale(y_axis, y_values, HEIGHT - BOTTOM, TOP)
    target = round(5 * width / WIDTH)
    x_ticks = ticks(x_axis, x, target, are_counts(x_axis, x_values))
    y_ticks = ticks(y_axis, y, whole=are_counts(y_axis, y_values))
    return Frame(x, y, group([*horizontal_axis(x, x_ticks, y), *vertical_axis(y, y_ticks, x)]))


def vertical_axis(y: Scale, marks: Ticks, x: Scale) -> list[Markup]:
    """Grid lines with their labels on the left, and the title above."""
    left, right = x.start, x.end
    markup = [label(8, TOP - 16, marks.title, "axis-title", "start")]
    for value, text in zip(marks.values, marks.labels, strict=True):
        position = y.at(value)
        markup.append(line(left, position, right, position, "grid"))
        markup.append(label(left - 8, position + 4, text, anchor="end"))
    return markup


def horizontal_axis(x: Scale, marks: Ticks, y: Scale) -> list[Markup]:
    """Tick labels below the area, as many as have room, and the title under them."""
    bottom = y.start
    markup = [
        line(x.start, bottom, x.end, bottom, "axis"),
        label((x.start + x.end) / 2, bottom + 42, marks.title, "axis-title"),
    ]
    free_from = -np.inf
    for value, text in zip(marks.values, marks.labels, strict=True):
        position, half = x.at(value), len(text) * CHARACTER / 2
        markup.append(line(position, bottom, position, bottom + 5, "axis"))
        if position - half > free_from:
            markup.append(label(position, bottom + 20, text))
            free_from = position + half + CHARACTER
    return markup


def vertical_marks(marks: tuple[Mark, ...], x: Scale, y: Scale) -> list[Markup]:
    """Labelled vertical lines at positions of the horizontal axis; labels that meet are stacked."""
    markup = []
    taken: list[tuple[float, float]] = []
    for mark in marks:
        position = x.at(float(mark.value))
        if not min(x.start, x.end) - 1 <= position <= max(x.start, x.end) + 1:
            continue
        anchor, shift = ("end", -6) if position > (x.start + x.end) / 2 else ("start", 6)
        markup.append(line(position, y.end, position, y.start, "mark"))
        extent = len(mark.label) * CHARACTER
        left = position + shift - (extent if anchor == "end" else 0)
        above = sum(left < right and left + extent > other for other, right in taken)
        taken.append((left, left + extent))
        height = y.end + 12 + 16 * above
        markup.append(label(position + shift, height, mark.label, "mark-label", anchor))
    return markup


def horizontal_marks(marks: tuple[Mark, ...], x: Scale, y: Scale) -> list[Markup]:
    """Labelled horizontal lines at positions of the vertical axis."""
    markup = []
    for mark in marks:
        position = y.at(float(mark.value))
        if y.end - 1 <= position <= y.start + 1:
            markup.append(line(x.start, position, x.end, position, "mark"))
            markup.append(label(x.end - 4, position - 5, mark.label, "mark-label", "end"))
    return markup
