"""The section of a report on the surrogate: held-out samples, certificate, the network's reads."""

from __future__ import annotations

import numpy as np

from cosim.loop.told import Told
from cosim.report.model import (
    Axis,
    Column,
    Figure,
    HeatMap,
    Histogram,
    Mark,
    ParityChart,
    Section,
    Table,
)


SHOWN_POINTS = 4000


def surrogate_section(told: Told) -> Section:
    """The last round's surrogate against SPICE."""
    with np.load(told.place / "held_out.npz") as data:
        reference, predicted = data["reference"], data["predicted"]
    error = predicted - reference
    shown = np.random.default_rng(0).permutation(reference.size)[:SHOWN_POINTS]
    fitted = told.outcome.last.of("fit")
    certificate = fitted["certificate"]
    counts, bounds = certificate["counts"], certificate["bounds"]
    per_column = np.sqrt((error**2).mean(axis=0))[None, :]
    marks = (Mark("95 % bound", bounds["0.95"]), Mark("", -bounds["0.95"]))
    return Section(
        "The surrogate against SPICE",
        (
            (
                f"Line-mode Galerkin (modes per line: {fitted['modes']}), "
                f"fitted to {counts['fit_samples']} ngspice samples and judged on "
                f"{counts['held_out_samples']} others, taken on {counts['held_out_matrices']} "
                "conductance matrices and inputs that the fit has not seen."
            ),
            Figure(
                "Output currents, held out",
                ParityChart(
                    Axis("ngspice", "A"),
                    Axis("surrogate", "A"),
                    reference.ravel()[shown],
                    predicted.ravel()[shown],
                ),
                f"{len(shown):,} of {reference.size:,} held-out outputs.",
            ),
            Figure(
                "Error, held out",
                Histogram(Axis("surrogate minus ngspice", "A"), error.ravel(), marks=marks),
                "All held-out outputs; the bound is split-conformal.",
            ),
            Figure(
                "Error of every column",
                HeatMap(per_column, "RMS error", "A", row_label="all rows"),
                "Root mean square over the held-out samples.",
                wide=True,
            ),
            _certificate_table(told),
            _replay_table(told),
        ),
    )


def _certificate_table(told: Told) -> Table:
    fitted = told.outcome.last.of("fit")
    accuracy = fitted["certificate"]["accuracy"]
    rows = [
        ("range-NRMSE", accuracy["nrmse"]),
        ("relative L2", accuracy["relative_l2"]),
        ("largest error, share of the range", accuracy["max_error"]),
        ("NRMSE on the validation split, closed form", fitted["closed_form_nrmse"]),
        ("NRMSE on the validation split, refined on samples", fitted["refined_nrmse"]),
    ]
    return Table("Certificate", (Column("Figure"), Column("Value", "%", 3)), tuple(rows))


def _replay_table(told: Told) -> Table:
    rows = []
    for training in told.networks:
        results = told.outcome.last.of(f"replay-{training}")
        counted = (results["operations"], results["simulated"])
        names = ("surrogate_nrmse", "surrogate_relative_l2", "surrogate_max_error")
        rows.append((training, *(results[name] for name in names), *counted))
    return Table(
        "The surrogate on the networks' own conductances and activations",
        (
            Column("Network"),
            Column("NRMSE", "%", 3),
            Column("Relative L2", "%", 3),
            Column("Largest error", "%", 3),
            Column("Tile operations", digits=8),
            Column("Different ones", digits=8),
        ),
        tuple(rows),
        "Against ngspice, on every tile operation of the replay; reads of one tile with the same "
        "inputs are simulated once.",
    )
