"""The page of a design question: accuracy over energy, the answer, and every point."""

from __future__ import annotations

import numpy as np

from cosim.design.answer import Answer
from cosim.design.energy import BLOCKS
from cosim.design.gradients import Sensitivity
from cosim.design.sweep import Measured
from cosim.report import Axis, build_report
from cosim.report.model import (
    Column,
    Figure,
    KeyFigure,
    RunReport,
    ScatterChart,
    Section,
    Series,
    Table,
)
from cosim.report.shown import quantity


COUNTED = (
    "The energy of an inference is what the sources of the tiles deliver in all of its reads:"
    " drivers, input lines, level of the output lines, amplifiers and converters. Digital logic,"
    " generation of references and clocks, data between tiles, programming and leakage are not in"
    " it."
)


def design_page(found: Answer, slopes: list[Sensitivity], command: str) -> str:
    """The HTML text of the page.

    Args:
        found: the answer.
        slopes: of the loss at the chosen point; empty when they were not asked for.
        command: that makes the page.
    """
    question, chosen, best = found.question, found.chosen, found.best
    sections = [
        Section("Accuracy and energy", (_plot(found), COUNTED)),
        Section("Points", (_points(found),)),
        Section("Each parameter", _effects(found)),
        Section("Where the energy goes", (_blocks(found),)),
    ]
    if slopes:
        sections.append(Section("What the loss hinges on", (_slopes(slopes, found),)))
    report = RunReport(
        title=f"Design question {question.name}",
        summary=found.words(),
        ok=True,
        key_figures=(
            KeyFigure("Answer", _short(chosen), note="the cheapest good point"),
            KeyFigure("Its accuracy", chosen.mean, "%"),
            KeyFigure("Its energy per inference", chosen.energy, "J"),
            KeyFigure("Best accuracy", best.mean, "%", note=_short(best)),
            KeyFigure("Its energy per inference, best point", best.energy, "J"),
        ),
        sections=tuple(sections),
        question=(
            f"Which point keeps the accuracy within {100 * question.within:g} % of all images of"
            " the best, at least energy?"
        ),
        command=command,
        provenance={
            "Sweep": {name: ", ".join(map(str, values)) for name, values in question.sweep.items()},
            "Network": {
                "data": question.data,
                "network": question.network,
                "test images": str(question.images),
                "chips": str(question.chips),
                "engine": question.engine,
                "seed": str(question.seed),
            },
        },
    )
    return build_report(report)


def _short(one: Measured) -> str:
    """The settings of a point without their names, for a small place."""
    return " · ".join(str(value) for value in one.point.settings.values())


def _plot(found: Answer) -> Figure:
    front = [one for one in found.front if one is not found.chosen]
    others = [one for one in found.points if not found.on_front(one) and one is not found.chosen]
    groups = (("answer", [found.chosen]), ("Pareto front", front), ("other points", others))
    series = tuple(
        Series(name, np.array([one.energy for one in some]), np.array([one.mean for one in some]))
        for name, some in groups
        if some
    )
    energies = [one.energy for one in found.points]
    log = max(energies) > 5 * min(energies) > 0
    chart = ScatterChart(Axis("Energy per inference", "J", log=log), Axis("Accuracy", "%"), series)
    return Figure(
        "Accuracy over energy",
        chart,
        caption="A point is on the front when no other one is as accurate at less energy.",
        wide=True,
    )


def _points(found: Answer) -> Table:
    names = tuple(found.question.sweep)
    columns = (
        Column("point"),
        *(Column(name) for name in names),
        Column("accuracy", "%"),
        Column("spread of chips", "%"),
        Column("energy", "J"),
        Column("reads"),
        Column("tiles"),
        Column("front"),
    )
    rows = []
    for number, one in enumerate(found.points, start=1):
        spread = float(one.accuracy.std(ddof=1)) if len(one.accuracy) > 1 else None
        mark = "answer" if one is found.chosen else "front" if found.on_front(one) else None
        values = tuple(one.point.settings.values())
        rows.append(
            (str(number), *values, one.mean, spread, one.energy, one.reads, one.tiles, mark)
        )
    return Table("Every point", columns, tuple(rows), caption="Click a column to sort by it.")


def _effects(found: Answer) -> tuple[Table, ...]:
    """What each value of each parameter gives at its best."""
    tables = []
    for name, values in found.question.sweep.items():
        rows = []
        for value in values:
            there = [one for one in found.points if one.point.settings[name] == value]
            top = max(there, key=lambda one: (one.mean, -one.energy))
            cheap = min(there, key=lambda one: one.energy)
            rows.append((str(value), top.mean, top.energy, cheap.mean, cheap.energy))
        columns = (
            Column(name),
            Column("accuracy at its best", "%"),
            Column("energy there", "J"),
            Column("accuracy at its cheapest", "%"),
            Column("energy there", "J"),
        )
        tables.append(Table(f"Values of {name}", columns, tuple(rows)))
    return tuple(tables)


def _blocks(found: Answer) -> Table:
    columns = (Column("block"), Column("answer", "J"), Column("best point", "J"))
    rows = tuple(
        (block, found.chosen.blocks[block], found.best.blocks[block])
        for block in BLOCKS
        if found.chosen.blocks[block] or found.best.blocks[block]
    )
    return Table("Energy per inference by block", columns, rows)


def _slopes(slopes: list[Sensitivity], found: Answer) -> Table:
    rows = tuple((one.parameter, quantity(one.value, one.unit), one.slope) for one in slopes)
    columns = (Column("parameter"), Column("value"), Column("d loss / d ln(parameter)", digits=3))
    return Table(
        f"At the answer, {found.chosen.point}",
        columns,
        rows,
        caption=(
            "Gradients of the cross entropy from the circuit's adjoint equations, gains of the"
            " layers calibrated anew: 10 % more of a parameter changes the loss by a tenth of"
            " its slope."
        ),
    )
