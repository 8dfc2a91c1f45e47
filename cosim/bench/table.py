"""Measurements as tables: Markdown for documents, CSV for further work."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from cosim.bench.base import Measurement


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
    """Every figure once per block, with its range over the conditions and its limits."""
    lines = ["| block | figure | range over conditions | limits | kept |", "|---|---|---|---|---|"]
    for (bench, name), group in _by_figure(measurements).items():
        ordered = sorted(group, key=lambda figure: figure.value)
        low, high = ordered[0], ordered[-1]
        span = low.shown if low.value == high.value else f"{low.shown} … {high.shown}"
        kept = sum(figure.ok for figure in group)
        lines.append(f"| {bench} | {name} | {span} | {low.limits} | {kept} of {len(group)} |")
    failed = [one for one in measurements if not one.status.ok]
    lines += [f"| {one.bench} | {one.condition.label} | {one.status} | | no |" for one in failed]
    return "\n".join(lines) + "\n"


def _by_figure(measurements: Sequence[Measurement]) -> dict:
    groups: dict = {}
    for one in measurements:
        for figure in one.figures:
            groups.setdefault((one.bench, figure.name), []).append(figure)
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
