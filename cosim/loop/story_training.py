"""The sections of a report on training and programming."""

from __future__ import annotations

import numpy as np

from cosim.loop.study import FROM_PROGRAMMING
from cosim.loop.told import Told
from cosim.report.model import Axis, Column, Figure, LineChart, Section, Series, Table
from netlists.si_numbers import readable


def training_section(told: Told) -> Section:
    """How the networks were trained, with the losses of all rounds one after the other."""
    results = told.outcome.rounds[0].of("train")
    curves = []
    for training in told.networks:
        losses = [loss for one in told.outcome.rounds for loss in one.of("train")[training]["loss"]]
        if losses:
            epochs = np.arange(1.0, len(losses) + 1)
            curves.append(Series(training, epochs, np.array(losses)))
    tiles = ", ".join(f"{rows} x {cols}" for _, rows, cols in results["tiles"])
    sizes = "-".join(str(size) for size in results["sizes"])
    return Section(
        "Training",
        (
            (
                f"Layers {sizes}, split over {tiles} tiles (row blocks x column blocks) with "
                f"differential pairs of columns. {' '.join(_recipes(told))}"
            ),
            Figure(
                "Training loss",
                LineChart(Axis("epoch"), Axis("cross-entropy", log=True), tuple(curves)),
                "The variability-aware loss is higher because it is measured with the errors. "
                "Later rounds go on from the weights of the round before.",
                wide=True,
            ),
        ),
    )


def _recipes(told: Told) -> list[str]:
    """What the trainings of the study do, a sentence each."""
    said, variation = [], told.study.training.variation
    if "variability-aware" in told.networks:
        error = (
            "with the shift and spread that programming leaves"
            if variation == FROM_PROGRAMMING
            else f"of {readable(float(variation), 'S')}"
        )
        said.append(
            "Variability-aware training multiplies with the surrogate and draws conductance errors "
            f"{error} anew for every batch."
        )
        if exact := told.study.training.exact_epochs:
            said.append(f"Before that it multiplies exactly (epochs: {exact}).")
    if "plain" in told.networks:
        said.append("Plain training multiplies exactly.")
    if len(told.networks) > 1:
        said.append("Everything else is the same.")
    return said


def programming_section(told: Told) -> Section | None:
    """What write and verify cost and left; nothing where errors were drawn."""
    if told.study.programming.algorithm is None:
        return None
    found = told.outcome.last.of("program")
    rows = [
        (
            training,
            found[training]["cells"],
            found[training]["pulses"] / found[training]["cells"],
            found[training]["converged"],
            found[training]["error_mean"],
            found[training]["error_std"],
            found[training]["seconds"],
            found[training]["joules"],
            found[training]["outside"],
        )
        for training in told.networks
    ]
    table = Table(
        "Programming one chip",
        (
            Column("Network"),
            Column("Cells", digits=8),
            Column("Pulses per cell", digits=3),
            Column("Verified", "%"),
            Column("Mean error", "S", 3),
            Column("Spread", "S", 3),
            Column("Time, cell after cell", "s", 3),
            Column("Energy of the pulses", "J", 3),
            Column("Outside the sampled range", "%", 3),
        ),
        tuple(rows),
        "Mean over the chips. Cells that do not reach their target are programmed as they are.",
    )
    text = (
        f"Every cell is written and verified by `{told.study.programming.algorithm}` on the card "
        f"`{told.tile.cell.device}`, every device with parameters of its own."
    )
    measured = told.outcome.records.get("measure")
    if measured is None:
        return Section("Programming", (text, table))
    return Section("Programming", (text, table, _law(measured.results)))


def _law(measured: dict) -> Figure:
    targets = np.array(measured["targets"])
    return Figure(
        "What programming leaves of a target",
        LineChart(
            Axis("target", "S"),
            Axis("deviation", "S"),
            (
                Series("mean excess", targets, np.array(measured["shift"])),
                Series("standard deviation", targets, np.array(measured["spread"])),
            ),
        ),
        f"{measured['cells']} cells at every level, apart from those of the chips; training "
        "injects these.",
        wide=True,
    )
