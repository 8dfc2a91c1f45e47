"""Measurements as tables: Markdown for documents, CSV for further work."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cosim.bench.base import Condition, Figure, Measurement
from cosim.bench.conditions import NOMINAL


COLUMNS = ("block", "condition", "figure", "value", "limits", "ok")


def rows(measurements: Sequence[Measurement]) -> list[tuple[str, ...]]:
    """One row per figure; a failed run is a row with its status."""
    table: list[tuple[str, ...]] = []
    for one in measurements:
        place = (one.bench, one.condition.label)
        if not one.status.ok:
            table.append((*place, str(one.status), "", "", "no"))
        table += [
            (*place, figure.name, figure.shown, figure.limits, "yes" if figure.ok else "no")
            for figure in one.figures
        ]
    return table


def markdown(measurements: Sequence[Measurement]) -> str:
    """Every figure of every block: nominal, over the corners, over the mismatch draws, limits."""
    header = ("block", "figure", "nominal", "corners", "mismatch draws", "limits", "kept")
    lines = [_line(header), _line(("---",) * len(header))]
    for (bench, name), group in _by_figure(measurements).items():
        nominal = [figure for condition, figure in group if condition == NOMINAL]
        corners = [figure for condition, figure in group if condition.seed is None]
        draws = [figure for condition, figure in group if condition.seed is not None]
        kept = f"{sum(figure.ok for _, figure in group)} of {len(group)}"
        shown = nominal[0].shown if nominal else ""
        limits = (corners or draws)[0].limits
        lines.append(_line((bench, name, shown, _span(corners), _spread(draws), limits, kept)))
    failed = [one for one in measurements if not one.status.ok]
    lines += [
        _line((one.bench, one.condition.label, str(one.status), "", "", "", "no")) for one in failed
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _span(figures: Sequence[Figure]) -> str:
    """The range of a figure over the corners; nothing for a single one."""
    if len(figures) < 2:
        return ""
    ordered = sorted(figures, key=lambda figure: figure.value)
    low, high = ordered[0], ordered[-1]
    return low.shown if low.value == high.value else f"{low.shown} … {high.shown}"


def _spread(figures: Sequence[Figure]) -> str:
    """Mean and standard deviation of a figure over the draws, and how many there are."""
    if not figures:
        return ""
    values = np.array([figure.value for figure in figures])
    mean, deviation = (replace(figures[0], value=float(x)) for x in (values.mean(), values.std()))
    return f"{mean.shown} ± {deviation.shown} ({len(figures)})"


def _by_figure(
    measurements: Sequence[Measurement],
) -> dict[tuple[str, str], list[tuple[Condition, Figure]]]:
    groups: dict[tuple[str, str], list[tuple[Condition, Figure]]] = {}
    for one in measurements:
        for figure in one.figures:
            groups.setdefault((one.bench, figure.name), []).append((one.condition, figure))
    return groups


def comma_separated(measurements: Sequence[Measurement]) -> str:
    """Every figure under every condition, values in plain SI numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS[:3], "value", "unit", "low", "high", "ok"))
    for one in measurements:
        for figure in one.figures:
            numbers = (figure.value, figure.unit, figure.low, figure.high)
            writer.writerow((one.bench, one.condition.label, figure.name, *numbers, figure.ok))
        if not one.status.ok:
            writer.writerow((one.bench, one.condition.label, str(one.status), *[""] * 4, False))
    return text.getvalue()
