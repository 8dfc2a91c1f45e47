"""The section of a report on accuracy: every network, every chip, every engine."""

from __future__ import annotations

import numpy as np

from cosim.loop.told import Told
from cosim.report.model import Axis, Column, Figure, GroupChart, GroupSeries, Section, Table
from netlists.si_numbers import readable


ENGINES = ("ideal", "surrogate", "ngspice")
NAMES = {"ideal": "ideal arithmetic", "surrogate": "surrogate", "ngspice": "ngspice"}


def accuracy_section(told: Told) -> Section:
    """Accuracies on the replayed images, what the run claims, and accuracies on all images."""
    outcome, networks = told.outcome, told.networks
    series = tuple(
        GroupSeries(
            NAMES[engine],
            np.stack([outcome.accuracies(training, engine) for training in networks]),
        )
        for engine in ENGINES
    )
    claims = tuple((c.text, c.measured, c.needed, c.holds) for c in outcome.claims)
    return Section(
        "Accuracy, three ways",
        (
            _setting(told),
            Figure(
                "Accuracy of every chip",
                GroupChart(_axis(series), networks, series),
                "One point per chip, with mean and standard deviation. In ngspice the "
                "simulated currents of one layer are the inputs of the next.",
                wide=True,
            ),
            Table(
                "What the run claims",
                (Column("Claim"), Column("Measured"), Column("Needed"), Column("Holds")),
                claims,
            ),
            _chips_table(told),
            _all_images_table(told),
        ),
    )


def _axis(series: tuple[GroupSeries, ...]) -> Axis:
    """Where the values are; from nothing to all where they are all the same."""
    values = np.concatenate([one.values.ravel() for one in series])
    same = float(np.ptp(values)) == 0.0
    return Axis("Accuracy", "%", low=0.0, high=1.0) if same else Axis("Accuracy", "%")


def _setting(told: Told) -> str:
    programming, levels = told.study.programming, told.study.network.levels
    images = told.outcome.last.of(f"replay-{told.networks[0]}")["images"]
    chips = f"{programming.chips} chip{'' if programming.chips == 1 else 's'}"
    if programming.algorithm is None:
        error = programming.variation or 0.0
        cell = told.tile.cell
        share = error / (cell.conductance_max - cell.conductance_min)
        how = (
            f"with one draw of conductance errors each, of a standard deviation of "
            f"{readable(error, 'S')} ({100 * share:.0f} % of the conductance range)"
        )
    else:
        how = f"written and verified by `{programming.algorithm}` on devices of their own"
    same = (
        " All are trained with the same conductance levels, so the difference is not quantisation."
        if len(told.networks) > 1
        else ""
    )
    return (
        f"Networks of {levels} conductance levels are programmed into {chips}, {how}. They "
        f"classify the same {images} test images.{same}"
    )


def _chips_table(told: Told) -> Table:
    chips = told.study.programming.chips
    columns = [Column("Training and engine")]
    columns += [Column(f"Chip {n}", "%") for n in range(chips)]
    columns += [Column("Mean", "%")]
    rows = []
    for training in told.networks:
        for engine in ENGINES:
            values = told.outcome.accuracies(training, engine)
            rows.append((f"{training}, {engine}", *values.tolist(), float(values.mean())))
    return Table("Accuracy of every chip on the same images", tuple(columns), tuple(rows))


def _all_images_table(told: Told) -> Table:
    last = told.outcome.last
    trained = last.of("train")
    columns = [Column("Training"), Column("No errors, ideal, all images", "%")]
    rows = [[training, trained[training]["test_accuracy"]] for training in told.networks]
    caption = "The last column compares the classes of the surrogate and ngspice, image by image."
    if last.has("solve"):
        solved = last.of("solve")
        columns += [Column(f"Chips, {name}", "%") for name in ("ideal", "surrogate", "solver")]
        columns.append(Column("Same class as solver", "%"))
        for row in rows:
            found = solved[row[0]]["accuracy"]
            row += [float(np.mean(found[name])) for name in ("ideal", "surrogate", "solver")]
            row.append(solved[row[0]]["same_class"])
        caption = f"Chips classify {told.solved}, every tile operation solved. {caption}"
    columns.append(Column("Same class as ngspice", "%"))
    for row in rows:
        row.append(last.of(f"replay-{row[0]}")["same_class"])
    return Table("Beyond the replayed images", tuple(columns), tuple(map(tuple, rows)), caption)
