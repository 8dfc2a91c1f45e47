"""What stands around a chart: its drawing, its legend, and its numbers as a table.

The table is the same content for those who do not see the drawing or want to copy a value; a cloud
of thousands of points is summed up instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Real
from markupsafe import Markup

from cosim.report.axes import WIDE, WIDTH
from cosim.report.bars import group_chart, histogram, time_bar
from cosim.report.drawings import cell_drawing, tile_drawing
from cosim.report.heatmap import heat_map
from cosim.report.lines import (
    PALETTE,
    line_chart,
    marker,
    parity_chart,
    scatter_chart,
    shown_pairs,
)
from cosim.report.model import (
    CellDrawing,
    CellValue,
    Chart,
    Column,
    Figure,
    GroupChart,
    HeatMap,
    Histogram,
    LineChart,
    ParityChart,
    ScatterChart,
    Table,
    TileDrawing,
    TimeBar,
)
from cosim.report.shown import quantity
from cosim.report.svg import element, line


SHARES = (
    ("smallest", 0.0),
    ("5 % below", 0.05),
    ("median", 0.5),
    ("95 % below", 0.95),
    ("99 % below", 0.99),
    ("largest", 1.0),
)
FLAT_MAP = 3  # a map with so many times more columns than rows gains from width
TABLE_ROWS = 41  # longer lines are thinned to this many rows


@dataclass(frozen=True)
class LegendEntry:
    """A swatch and the name it stands for."""

    swatch: Markup
    name: str
    note: str = ""


def draw(chart: Chart, wide: bool = False) -> Markup:
    """The drawing of any chart; a `wide` one has the same height and text at twice the width."""
    width = WIDE if wide else WIDTH
    match chart:
        case LineChart():
            return line_chart(chart, width)
        case ScatterChart():
            return scatter_chart(chart, width)
        case ParityChart():
            return parity_chart(chart)
        case Histogram():
            return histogram(chart, width)
        case GroupChart():
            return group_chart(chart, width)
        case HeatMap():
            return heat_map(chart, wide)
        case TimeBar():
            return time_bar(chart)
        case TileDrawing(spec):
            return tile_drawing(spec)
        case CellDrawing(spec):
            return cell_drawing(spec)


def is_wide(figure: Figure) -> bool:
    """Whether a figure takes the whole width: if it asks for it and its chart can use it."""
    chart = figure.chart
    if isinstance(chart, HeatMap):
        rows, cols = chart.values.shape
        return figure.wide and cols >= FLAT_MAP * rows
    return isinstance(chart, TimeBar) or (
        figure.wide and isinstance(chart, LineChart | ScatterChart | Histogram | GroupChart)
    )


def legend(chart: Chart) -> tuple[LegendEntry, ...]:
    """The legend; empty where one series needs none."""
    match chart:
        case TimeBar(parts):
            total = sum(float(seconds) for _, seconds in parts) or 1.0
            return tuple(
                LegendEntry(_swatch(index), name, _time_note(float(seconds), total))
                for index, (name, seconds) in enumerate(parts)
            )
        case GroupChart(series=series):
            return tuple(LegendEntry(_swatch(i), one.name) for i, one in enumerate(series))
        case LineChart(series=series) if len(series) > 1:
            return tuple(
                LegendEntry(_line_swatch(i, one.dashed), one.name) for i, one in enumerate(series)
            )
        case ScatterChart(series=series) if len(series) > 1:
            return tuple(LegendEntry(_swatch(i), one.name) for i, one in enumerate(series))
        case _:
            return ()


def numbers(chart: Chart) -> Table | None:
    """The chart's content as a table; `None` for a circuit, and where there are no numbers."""
    for kind, table_of in _TABLES.items():
        if isinstance(chart, kind):
            return table_of(chart)
    return None


def _time_note(seconds: float, total: float) -> str:
    return f"{quantity(seconds, 's')}, {100 * seconds / total:.0f} %"


def _swatch(index: int) -> Markup:
    return element("svg", marker(index, 7, 7, size=4.6), viewBox="0 0 14 14", aria_hidden="true")


def _line_swatch(index: int, dashed: bool) -> Markup:
    stroke = line(1, 7, 25, 7, f"line s{index % PALETTE + 1}{' dashed' if dashed else ''}")
    return element(
        "svg", stroke, marker(index, 13, 7), viewBox="0 0 26 14", aria_hidden="true", class_="long"
    )


def _line_table(chart: LineChart | ScatterChart) -> Table:
    first = chart.series[0].x if chart.series else np.empty(0)
    shared = all(np.array_equal(series.x, first) for series in chart.series)
    rows: list[tuple[CellValue, ...]]
    if shared:
        kept = _thinned(first.size)
        columns = [Column(chart.x.label, chart.x.unit)]
        columns += [Column(series.name, chart.y.unit) for series in chart.series]
        rows = [(float(first[i]), *(float(series.y[i]) for series in chart.series)) for i in kept]
    else:
        columns = [Column("series"), Column(chart.x.label, chart.x.unit)]
        columns.append(Column(chart.y.label, chart.y.unit))
        rows = [
            (series.name, float(series.x[i]), float(series.y[i]))
            for series in chart.series
            for i in _thinned(series.x.size)
        ]
    return Table(f"{chart.y.label} against {chart.x.label}", tuple(columns), tuple(rows))


def _thinned(count: int) -> list[int]:
    if count <= TABLE_ROWS:
        return list(range(count))
    return [int(i) for i in np.linspace(0, count - 1, TABLE_ROWS).round()]


def _parity_table(chart: ParityChart) -> Table | None:
    reference, predicted = shown_pairs(chart)
    if reference.size == 0:
        return None
    error, unit = predicted - reference, chart.reference.unit
    rows = (
        ("points", f"{error.size}"),
        ("smallest reference", quantity(float(reference.min()), unit)),
        ("largest reference", quantity(float(reference.max()), unit)),
        ("mean error", quantity(float(error.mean()), unit)),
        ("root mean square error", quantity(float(np.sqrt(np.mean(error**2))), unit)),
        ("largest error", quantity(float(np.abs(error).max()), unit)),
    )
    return Table("Agreement in numbers", (Column("figure"), Column("value")), rows)


def _spread_table(values: Real[np.ndarray, " samples"], unit: str, title: str) -> Table | None:
    finite = np.asarray(values, dtype=float).ravel()
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return None
    rows = [(name, quantity(float(np.quantile(finite, share)), unit)) for name, share in SHARES]
    rows.insert(0, ("values", f"{finite.size}"))
    return Table(title, (Column("figure"), Column("value")), tuple(rows))


def _histogram_table(chart: Histogram) -> Table | None:
    return _spread_table(chart.values, chart.x.unit, f"{chart.x.label}, spread")


def _heat_table(chart: HeatMap) -> Table | None:
    return _spread_table(chart.values.ravel(), chart.unit, f"{chart.label}, spread")


def _group_table(chart: GroupChart) -> Table:
    unit = chart.y.unit
    rows = []
    for place, name in enumerate(chart.groups):
        for series in chart.series:
            draws = series.values[place]
            draws = draws[np.isfinite(draws)]
            if draws.size:
                spread = float(draws.std(ddof=1)) if draws.size > 1 else None
                low, high = float(draws.min()), float(draws.max())
                words = f"{name}, {series.name}"
                rows.append((words, float(draws.mean()), spread, low, high, int(draws.size)))
    columns = ("mean", "standard deviation", "lowest", "highest")
    return Table(
        f"{chart.y.label} by group",
        (Column("group, series"), *(Column(name, unit) for name in columns), Column("draws")),
        tuple(rows),
    )


def _time_table(chart: TimeBar) -> Table:
    rows = tuple((name, float(seconds)) for name, seconds in chart.parts)
    return Table("Time spent", (Column("stage"), Column("time", "s")), rows)


_TABLES: dict[type, Callable[..., Table | None]] = {
    LineChart: _line_table,
    ScatterChart: _line_table,
    ParityChart: _parity_table,
    Histogram: _histogram_table,
    HeatMap: _heat_table,
    GroupChart: _group_table,
    TimeBar: _time_table,
}
