"""The report of a run: what its folder holds, told as one page."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from cosim.errors import DatasetError
from cosim.loop.networks import TRAININGS
from cosim.loop.outcome import Outcome
from cosim.loop.stages import Record, Stages
from cosim.loop.started import Started
from cosim.report import build_report
from cosim.report.model import (
    Axis,
    CellDrawing,
    Column,
    Failure,
    Figure,
    GroupChart,
    GroupSeries,
    HeatMap,
    Histogram,
    KeyFigure,
    LineChart,
    Mark,
    ParityChart,
    RunReport,
    Section,
    Series,
    Table,
    TileDrawing,
    TimeBar,
)
from netlists.si_numbers import readable


ENGINES = ("ideal", "surrogate", "ngspice")
STAGES = (
    "samples",
    "fit",
    "train",
    "program",
    *(f"replay-{training}" for training in TRAININGS),
    "look",
)
SHOWN_POINTS = 4000


def write_report(folder: str | Path) -> Path:
    """Write `report.html` into a run's folder from the records that its stages left.

    Raises:
        MissingFileError: no such run.
        DatasetError: the run is unfinished or damaged.
    """
    folder = Path(folder)
    story = _Story(folder)
    path = folder / "report.html"
    partial = path.with_suffix(".partial")
    partial.write_text(build_report(story.report()), encoding="utf-8")
    return partial.replace(path)


class _Story:
    """One run folder, read."""

    def __init__(self, folder: Path) -> None:
        started = Started.read(folder)
        self.study, self.tile = started.study, started.tile
        self.command, self.versions = started.command, started.versions
        self.folder = folder
        self.records = {name: self._record(name) for name in STAGES}
        self.outcome = Outcome(self.study, self.records)

    def _record(self, name: str) -> Record:
        record = Stages(self.folder).find(name)
        if record is None:
            raise DatasetError(
                f"{self.folder} has no stage `{name}`; finish the run with `cosim run`"
            )
        return record

    def report(self) -> RunReport:
        """The whole page."""
        outcome = self.outcome
        plain, aware = (100 * outcome.accuracies(t, "ngspice").mean() for t in TRAININGS)
        operations = sum(self.records[f"replay-{t}"].results["operations"] for t in TRAININGS)
        verdict = "every claim holds" if outcome.holds else "not every claim holds"
        return RunReport(
            title=f"Study {self.study.name}",
            summary=(
                f"Evaluated in ngspice, {operations:,} tile operations: {aware:.1f} % after "
                f"variability-aware training against {plain:.1f} % after plain training; {verdict}."
            ),
            question=(
                "Does the accuracy that a fitted surrogate predicts hold in the circuit itself, "
                "and does training on that surrogate pay there?"
            ),
            ok=outcome.holds,
            key_figures=self._key_figures(operations),
            sections=(
                self._accuracy(),
                self._surrogate(),
                self._circuit(),
                self._training(),
                self._time(),
            ),
            command=self.command,
            made=time.strftime("%Y-%m-%d %H:%M"),
            failures=self._failures(),
            provenance=self._provenance(),
        )

    def _key_figures(self, operations: int) -> tuple[KeyFigure, ...]:
        claims = self.outcome.claims
        nrmse = self.records["fit"].results["certificate"]["accuracy"]["nrmse"]
        plain, aware = (self.outcome.accuracies(t, "ngspice") for t in TRAININGS)
        gaps = [
            abs(self.outcome.accuracies(t, "surrogate").mean() - spice.mean())
            for t, spice in zip(TRAININGS, (plain, aware), strict=True)
        ]
        return (
            KeyFigure("Variability aware, in ngspice", float(aware.mean()), "%", "mean over chips"),
            KeyFigure("Plain, in ngspice", float(plain.mean()), "%", "same chips, same images"),
            KeyFigure(
                "Gain in ngspice",
                f"{100 * (aware - plain).mean():+.1f} points",
                "",
                f"ahead on {int((aware > plain).sum())} of {len(aware)} chips",
                claims[-1].holds,
            ),
            KeyFigure(
                "Predicted minus circuit",
                f"{100 * max(gaps):.1f} points",
                "",
                f"larger of both; {claims[1].needed}",
                claims[1].holds and claims[2].holds,
            ),
            KeyFigure(
                "Surrogate error",
                float(nrmse),
                "%",
                f"NRMSE, unseen inputs and conductances; {claims[0].needed}",
                claims[0].holds,
            ),
            KeyFigure("Tile operations in ngspice", f"{operations:,}", "", "for the accuracies"),
        )

    def _accuracy(self) -> Section:
        names = {"ideal": "ideal arithmetic", "surrogate": "surrogate", "ngspice": "ngspice"}
        series = tuple(
            GroupSeries(
                names[engine],
                np.stack([self.outcome.accuracies(training, engine) for training in TRAININGS]),
            )
            for engine in ENGINES
        )
        claims = tuple((c.text, c.measured, c.needed, c.holds) for c in self.outcome.claims)
        replays = [self.records[f"replay-{training}"].results for training in TRAININGS]
        programming, network = self.study.programming, self.study.network
        return Section(
            "Accuracy, three ways",
            (
                (
                    f"Both networks are programmed into the same {programming.chips} chips, each "
                    f"one draw of conductance errors with a standard deviation of "
                    f"{readable(programming.variation, 'S')} "
                    f"({100 * self._share_of_range(programming.variation):.0f} % of the "
                    f"conductance range), and classify the same {replays[0]['images']} test "
                    f"images. Both are trained with the same {network.levels} conductance levels, "
                    "so the difference is not quantisation."
                ),
                Figure(
                    "Accuracy of every chip",
                    GroupChart(Axis("Accuracy", "%"), tuple(TRAININGS), series),
                    "One point per chip, with mean and standard deviation. In ngspice the "
                    "simulated currents of one layer are the inputs of the next.",
                    wide=True,
                ),
                Table(
                    "What the run claims",
                    (Column("Claim"), Column("Measured"), Column("Needed"), Column("Holds")),
                    claims,
                ),
                self._chips_table(),
                self._all_images_table(),
            ),
        )

    def _chips_table(self) -> Table:
        columns = [Column("Training and engine")]
        columns += [Column(f"Chip {n}", "%") for n in range(self.study.programming.chips)]
        columns += [Column("Mean", "%")]
        rows = []
        for training in TRAININGS:
            for engine in ENGINES:
                values = self.outcome.accuracies(training, engine)
                rows.append((f"{training}, {engine}", *values.tolist(), float(values.mean())))
        return Table("Accuracy of every chip on the same images", tuple(columns), tuple(rows))

    def _all_images_table(self) -> Table:
        rows = []
        for training in TRAININGS:
            results = self.records[f"replay-{training}"].results
            every = results["all_test_images"]
            exact = self.records["train"].results[training]["test_accuracy"]
            means = [float(np.mean(every[engine])) for engine in ("ideal", "surrogate")]
            rows.append((training, exact, *means, results["same_class"]))
        images = self.records[f"replay-{TRAININGS[0]}"].results["all_test_images"]["images"]
        return Table(
            f"All {images} test images",
            (
                Column("Training"),
                Column("No errors, ideal", "%"),
                Column("Chips, ideal", "%"),
                Column("Chips, surrogate", "%"),
                Column("Same class as ngspice", "%"),
            ),
            tuple(rows),
            "The last column compares the class that the surrogate and ngspice give to each of the "
            "replayed images.",
        )

    def _surrogate(self) -> Section:
        with np.load(self.folder / "held_out.npz") as data:
            reference, predicted = data["reference"], data["predicted"]
        error = predicted - reference
        shown = np.random.default_rng(0).permutation(reference.size)[:SHOWN_POINTS]
        fitted = self.records["fit"].results
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
                self._certificate_table(certificate),
                self._replay_table(),
            ),
        )

    def _certificate_table(self, certificate: dict) -> Table:
        accuracy = certificate["accuracy"]
        rows = [
            ("range-NRMSE", accuracy["nrmse"]),
            ("relative L2", accuracy["relative_l2"]),
            ("largest error, share of the range", accuracy["max_error"]),
            ("NRMSE on the validation split, closed form", self._fit("closed_form_nrmse")),
            ("NRMSE on the validation split, refined on samples", self._fit("refined_nrmse")),
        ]
        return Table("Certificate", (Column("Figure"), Column("Value", "%", 3)), tuple(rows))

    def _fit(self, name: str) -> float:
        return float(self.records["fit"].results[name])

    def _replay_table(self) -> Table:
        rows = []
        for training in TRAININGS:
            results = self.records[f"replay-{training}"].results
            names = ("surrogate_nrmse", "surrogate_relative_l2", "surrogate_max_error")
            rows.append((training, *(results[name] for name in names), results["operations"]))
        return Table(
            "The surrogate on the networks' own conductances and activations",
            (
                Column("Network"),
                Column("NRMSE", "%", 3),
                Column("Relative L2", "%", 3),
                Column("Largest error", "%", 3),
                Column("Tile operations", digits=8),
            ),
            tuple(rows),
            "Against ngspice, on every tile operation of the replay.",
        )

    def _circuit(self) -> Section:
        look = self.records["look"].results
        cell, voltage = look["cell"], np.array(look["cell"]["voltage"])
        curves = tuple(
            Series(readable(G, "S"), voltage, np.array(current))
            for G, current in zip(cell["conductance"], cell["current"], strict=True)
        )
        tile = self.tile
        return Section(
            "The circuit",
            (
                (
                    f"{tile.rows} x {tile.cols} cells ({tile.cell.topology}), "
                    f"{readable(tile.cell.conductance_min, 'S')} to "
                    f"{readable(tile.cell.conductance_max, 'S')}, "
                    f"{readable(tile.drivers.read_voltage, 'V')} at a full-scale input, "
                    f"{readable(tile.wires.input_line_resistance, 'ohm')} per segment of wire. "
                    f"The device is the card `{tile.cell.device}`."
                ),
                Figure("The tile", TileDrawing(tile), wide=True),
                Figure("The cell", CellDrawing(tile.cell)),
                Figure(
                    "Current of the cell",
                    LineChart(Axis("cell voltage", "V"), Axis("current", "A"), curves),
                    "Device and access transistor in series, compiled from the Verilog-A that the "
                    "netlist uses; labelled by the conductance of the device.",
                ),
                Figure(
                    "What is left of the read voltage at every cell",
                    HeatMap(np.array(look["cell_voltage_share"]), "share of the read voltage", "%"),
                    "First tile of the variability-aware network on chip 0, all rows driven, in "
                    "ngspice; the rest is lost in drivers and wires.",
                    wide=True,
                ),
            ),
        )

    def _training(self) -> Section:
        results = self.records["train"].results
        curves = tuple(
            Series(training, np.arange(1.0, len(loss) + 1), np.array(loss))
            for training in TRAININGS
            if (loss := results[training]["loss"])
        )
        tiles = ", ".join(f"{rows} x {cols}" for _, rows, cols in results["tiles"])
        variation = self.study.training.variation
        return Section(
            "Training",
            (
                (
                    f"Layers {self._sizes()}, split over {tiles} tiles (row blocks x column "
                    "blocks) with differential pairs of columns. Variability-aware training "
                    "multiplies with the surrogate and draws conductance errors of "
                    f"{readable(variation, 'S')} anew for every batch; plain training multiplies "
                    "exactly. Everything else is the same."
                ),
                Figure(
                    "Training loss",
                    LineChart(Axis("epoch"), Axis("cross-entropy", log=True), curves),
                    "The variability-aware loss is higher because it is measured with the errors.",
                    wide=True,
                ),
            ),
        )

    def _sizes(self) -> str:
        return "-".join(str(size) for size in self.records["train"].results["sizes"])

    def _time(self) -> Section:
        parts = tuple((name.replace("-", " ", 1), self.records[name].seconds) for name in STAGES)
        return Section(
            "Where the time went",
            (Figure("Time of every stage", TimeBar(parts), "Wall-clock time.", wide=True),),
        )

    def _failures(self) -> tuple[Failure, ...]:
        failed = self.records["samples"].results["failures"]
        failures = [
            Failure(f"samples of matrix {matrix}", status, "left out of the fit")
            for matrix, status in failed.items()
        ]
        failures += [
            Failure(claim.text, claim.measured, claim.needed)
            for claim in self.outcome.claims
            if not claim.holds
        ]
        return tuple(failures)

    def _provenance(self) -> dict[str, dict[str, str | int | float]]:
        study = self.study
        engine = dict(self.records["samples"].results["provenance"])
        samples_seed = engine.pop("seed")
        return {
            "Versions": {**engine, **self.versions},
            "Specifications": {
                "tile": self.tile.name,
                "tile hash": self.tile.content_hash(),
                "device card": self.tile.cell.device,
                "access transistor card": str(self.tile.cell.access_transistor),
            },
            "Seeds": {"study": study.seed, "samples": samples_seed},
        }

    def _share_of_range(self, variation: float) -> float:
        cell = self.tile.cell
        return variation / (cell.conductance_max - cell.conductance_min)
