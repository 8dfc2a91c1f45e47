"""The section of a report on rounds: what was compared, and why the loop went on or ended."""

from __future__ import annotations

import numpy as np

from cosim.loop.rounds import Round
from cosim.loop.told import Told
from cosim.report.model import Axis, Column, Figure, LineChart, Section, Series, Table


def rounds_section(told: Told) -> Section:
    """Accuracies and errors of every round, and the words that it ended with."""
    rounds, margin = told.outcome.rounds, told.study.loop.margin
    most = told.study.loop.rounds
    text = (
        f"A round ends with a comparison: predicted accuracy against ngspice on the same images "
        f"and against the solver on {told.solved} (within {100 * margin:g} points), and the "
        "surrogate's error on the network's own reads against its certificate. "
    )
    if most == 1:
        text += "This study has one round: nothing is refitted."
    elif told.outcome.last.agrees:
        text += f"They agree after round {rounds[-1].number} of at most {most}."
    else:
        text += f"They do not agree after {most} rounds: {rounds[-1].verdict}."
    blocks: list[str | Table | Figure] = [text, *_warning(told), _table(told, rounds)]
    if len(rounds) > 1:
        blocks.append(_chart(told, rounds))
    blocks += [_words(told, rounds), _worst(told)]
    return Section("The loop", tuple(blocks))


def _warning(told: Told) -> tuple[str, ...]:
    initial = told.study.surrogate.initial
    if initial is None:
        return ()
    return (
        f"Warning: round 1 did not fit a surrogate. It was started with `{initial}`, which may "
        "stand for another tile; what round 1 predicts is as good as that.",
    )


def _table(told: Told, rounds: tuple[Round, ...]) -> Table:
    rows = []
    for one in rounds:
        for training in told.networks:
            reads = one.of(f"replay-{training}")
            solved: list[float | None] = [None, None]
            if one.has("solve"):
                solved = [
                    float(one.on_all(training, name).mean()) for name in ("surrogate", "solver")
                ]
            rows.append(
                (
                    f"{one.number}, {training}",
                    float(one.accuracies(training, "surrogate").mean()),
                    float(one.accuracies(training, "ngspice").mean()),
                    reads["images"],
                    *solved,
                    reads["surrogate_nrmse"],
                    reads["inside"],
                    one.of("join")["samples"] if one.has("join") else 0,
                )
            )
    columns = (
        Column("Round and network"),
        Column("Predicted, replayed images", "%"),
        Column("ngspice, same images", "%"),
        Column("Images", digits=8),
        Column("Predicted, solver's images", "%"),
        Column("Solver, its images", "%"),
        Column("Surrogate NRMSE on reads", "%", 3),
        Column("Reads within the bound", "%"),
        Column("Reads that joined the fit", digits=8),
    )
    return Table("Rounds", columns, tuple(rows), "Mean over the chips.")


def _chart(told: Told, rounds: tuple[Round, ...]) -> Figure:
    numbers = np.array([float(one.number) for one in rounds])
    series = tuple(
        Series(
            training,
            numbers,
            np.array([one.of(f"replay-{training}")["surrogate_nrmse"] for one in rounds]),
        )
        for training in told.networks
    )
    return Figure(
        "Error of the surrogate on the network's own reads",
        LineChart(Axis("round"), Axis("NRMSE", "%", log=True), series),
        "Against ngspice, on the activations and programmed conductances of the round.",
        wide=True,
    )


def _words(told: Told, rounds: tuple[Round, ...]) -> Table:
    rows = [
        (f"{one.number}: {check.text}", check.measured, check.needed, check.holds)
        for one in rounds
        for check in one.checks
    ]
    return Table(
        "What was compared, round by round",
        (Column("Round and comparison"), Column("Measured"), Column("Needed"), Column("Holds")),
        tuple(rows),
    )


def _worst(told: Told) -> Table:
    """The tiles whose reads the surrogate predicts worst."""
    rows = []
    for training in told.networks:
        for layer, chip, tile, error in told.outcome.last.of(f"replay-{training}")["worst"]:
            rows.append((f"{training}: layer {layer}, tile {tile}, chip {chip}", error))
    return Table(
        "Where the surrogate is furthest from ngspice",
        (Column("Tile"), Column("RMS error of a read", "A", 3)),
        tuple(rows),
        "In the last round; layers, tiles and chips are counted from 0.",
    )
