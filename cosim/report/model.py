"""What a report says, as data, apart from how it looks.

A report is a title, a verdict, a handful of key figures and sections. A section is a sequence of
blocks: paragraphs, figures and tables. A figure holds a chart, and a chart holds the numbers it
shows in SI units, never a picture; the drawing happens in one place, so every chart of a report has
the same scale ticks, colours and accessibility.

    RunReport ── key_figures: KeyFigure …
              ├─ sections: Section ── blocks: paragraph (str) | Figure ── chart | Table
              ├─ failures: Failure …
              └─ provenance: {topic: {name: value}}

Numbers are SI and get their prefix when they are shown. The unit `%` means that the number is a
fraction and is shown times 100. Text may hold `code` in backticks; everything else is shown as it
is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Real

from netlists.specs import CellSpec, TileSpec


Number = float | int
CellValue = str | float | int | bool | None


@dataclass(frozen=True)
class KeyFigure:
    """One number of the first screen.

    Attributes:
        label: what it is, in a few words.
        value: the number in SI (or text that is shown as it stands).
        unit: SI unit, `%` for a fraction, or empty.
        note: one short line under the number, such as the limit it was held against.
        ok: whether it held; `None` for a figure without a limit.
        digits: significant digits shown.
    """

    label: str
    value: Number | str
    unit: str = ""
    note: str = ""
    ok: bool | None = None
    digits: int = 3


@dataclass(frozen=True)
class Axis:
    """An axis of a chart.

    Attributes:
        label: what is shown along it, without the unit.
        unit: SI unit of the numbers, `%` for fractions, or empty.
        log: logarithmic (all numbers must be positive; others are left out).
        low: where the axis starts; from the data when `None`.
        high: where the axis ends; from the data when `None`.
    """

    label: str
    unit: str = ""
    log: bool = False
    low: Number | None = None
    high: Number | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """One named line or cloud of points."""

    name: str
    x: Real[np.ndarray, " points"]
    y: Real[np.ndarray, " points"]
    dashed: bool = False


@dataclass(frozen=True)
class Mark:
    """A labelled position on the value axis, such as a limit or a quantile."""

    label: str
    value: Number


@dataclass(frozen=True)
class LineChart:
    """Several series as lines over a common axis."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class ScatterChart:
    """Several series as points."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]


@dataclass(frozen=True, eq=False)
class ParityChart:
    """What was predicted against what the reference says, with the diagonal where they agree.

    Attributes:
        reference: the axis of the reference, for example `Axis("ngspice", "A")`.
        predicted: the axis of the prediction; has the same unit and range.
        reference_values: the numbers of the reference.
        predicted_values: the numbers of the prediction, in the same order.
    """

    reference: Axis
    predicted: Axis
    reference_values: Float[np.ndarray, " points"]
    predicted_values: Float[np.ndarray, " points"]


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often values fall into equal bins, with marked positions."""

    x: Axis
    values: Real[np.ndarray, " samples"]
    bins: int = 40
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, eq=False)
class GroupSeries:
    """One way of looking at every group.

    Attributes:
        name: the legend's word for it.
        values: one row per group, one column per draw (chip); NaN where there is no draw.
    """

    name: str
    values: Float[np.ndarray, "groups draws"]


@dataclass(frozen=True)
class GroupChart:
    """Groups side by side, several series in each: mean, spread (one standard deviation) and draws.

    With the axis starting at zero the means are drawn as bars; with any other start only as marks,
    because a bar that does not start at zero shows a wrong proportion.
    """

    y: Axis
    groups: tuple[str, ...]
    series: tuple[GroupSeries, ...]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A value for every row and column of a tile, row 0 on top.

    Attributes:
        values: one number per cell, SI.
        label: what the number is.
        unit: its unit.
        diverging: the colours meet in the middle at zero (for signed errors).
        row_label: what a row is.
        col_label: what a column is.
    """

    values: Float[np.ndarray, "rows cols"]
    label: str
    unit: str = ""
    diverging: bool = False
    row_label: str = "row (input)"
    col_label: str = "column (output)"


@dataclass(frozen=True)
class TimeBar:
    """Where the time went: one bar divided into parts, in order.

    Attributes:
        parts: names and durations [s].
    """

    parts: tuple[tuple[str, Number], ...]


@dataclass(frozen=True)
class TileDrawing:
    """The circuit of a tile, drawn from its specification."""

    spec: TileSpec


@dataclass(frozen=True)
class CellDrawing:
    """The circuit of one cell, drawn from its specification."""

    spec: CellSpec


Chart = (
    LineChart
    | ScatterChart
    | ParityChart
    | Histogram
    | GroupChart
    | HeatMap
    | TimeBar
    | TileDrawing
    | CellDrawing
)


@dataclass(frozen=True)
class Figure:
    """A chart with its words.

    Attributes:
        title: what the chart shows, in a few words.
        chart: the numbers.
        caption: what to see in it, in one or two sentences.
        wide: takes the whole width; otherwise two figures stand side by side where there is room.
    """

    title: str
    chart: Chart
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading and the unit of its numbers."""

    label: str
    unit: str = ""
    digits: int = 4


@dataclass(frozen=True)
class Table:
    """Rows of values under headings; the first column names the row.

    A number gets its column's unit, `True` and `False` become a passed or failed mark, and `None`
    an empty cell.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[CellValue, ...], ...]
    caption: str = ""


Block = str | Figure | Table


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, in order."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Failure:
    """Something that did not work or did not hold.

    Attributes:
        what: what failed.
        message: the words of the part that failed.
        advice: what to do about it.
    """

    what: str
    message: str
    advice: str = ""


@dataclass(frozen=True)
class RunReport:
    """Everything that one page says about one run.

    Attributes:
        title: the name of the run.
        summary: one sentence: what was run, and whether it held.
        ok: the verdict.
        key_figures: the numbers of the first screen, at most eight.
        sections: the body.
        question: what the run was to find out, in one sentence.
        command: the command that repeats the run.
        made: when the run ended, as text.
        failures: what did not work; shown before the sections when there is any.
        provenance: versions, seeds, hashes: `{topic: {name: value}}`.
    """

    title: str
    summary: str
    ok: bool
    key_figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]
    question: str = ""
    command: str = ""
    made: str = ""
    failures: tuple[Failure, ...] = ()
    provenance: Mapping[str, Mapping[str, str | int | float]] = field(default_factory=dict)
