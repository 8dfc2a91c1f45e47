"""A report of invented numbers to look at."""

import numpy as np
import pytest

from cosim.report.model import (
    Axis,
    CellDrawing,
    Column,
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


@pytest.fixture(scope="session")
def tile_spec(rram_tile):
    """A 32 × 32 tile of 1T1R cells with a resistance in every place that can have one."""
    return rram_tile(32, 32, drivers={"source_resistance": 50.0}, sensing={"input_resistance": 5.0})


@pytest.fixture(scope="session")
def report(tile_spec):
    """A report of every kind of block, all numbers invented."""
    rng = np.random.default_rng(20)
    return RunReport(
        title="Digits on 32 × 32 tiles",
        question="Does training with the tile's own errors pay, judged by the circuit itself?",
        summary="Invented numbers: variability-aware training keeps 93.4 % in ngspice at 15 % "
        "conductance variation, 6.1 points above plain training on the same chips.",
        ok=True,
        key_figures=_key_figures(),
        sections=(
            _circuit_section(tile_spec),
            _surrogate_section(rng),
            _accuracy_section(rng),
            _time_section(),
        ),
        command="cosim run examples/digits.toml -o runs/digits",
        made="1 January 2000, invented",
        provenance={
            "Versions": {"cosim": "0.1.0", "ngspice": "39", "PySpice": "1.5", "torch": "2.13.0"},
            "Seeds": {"training": 1, "chips": 2, "samples": 3},
            "Content": {"tile": "9f2c11aa03be77d0", "surrogate": "0d61fe4410c2ab93"},
            "Machine": {"processor cores": 2, "system": "Linux"},
        },
    )


def _key_figures():
    return (
        KeyFigure("Accuracy in ngspice, variability-aware", 0.934, "%", "mean of 5 chips"),
        KeyFigure("Gain over plain training", "+6.1", "points", "same chips, same images", ok=True),
        KeyFigure(
            "Surrogate against ngspice", 0.0005, "%", "accuracy apart; limit 2 points", ok=True
        ),
        KeyFigure("Surrogate error, range-NRMSE", 0.00007, "%", "limit 0.2 %", ok=True, digits=2),
        KeyFigure("Tile operations in ngspice", 38400, "", "128 images, every tile"),
        KeyFigure("Time", 431.0, "s", "on 2 cores"),
    )


def _circuit_section(spec):
    voltage = np.linspace(-0.3, 0.3, 41)
    curves = tuple(
        Series(f"{round(1e6 * g)} µS", voltage, g * 0.25 * np.sinh(voltage / 0.25))
        for g in (5e-6, 50e-6, 100e-6, 150e-6)
    )
    return Section(
        "The circuit",
        (
            "Every number below comes from this circuit, written once in `tile.toml`.",
            Figure("One tile", TileDrawing(spec), "The corner at the drivers.", wide=True),
            Figure("One cell", CellDrawing(spec.cell)),
            Figure(
                "The cell's current",
                LineChart(Axis("Voltage", "V"), Axis("Current", "A"), curves),
                "Each line is one programmed conductance at the read voltage.",
            ),
        ),
    )


def _surrogate_section(rng):
    reference = np.sort(rng.gamma(4.0, 60e-6, 2000))
    error = rng.normal(0.0, 4e-8, reference.size) * (0.5 + reference / reference.max())
    columns = 4e-9 * np.add.outer(np.arange(32) ** 1.4, 3 * np.arange(32)) / 60
    certificate = (
        ("range-NRMSE", "7.0e-5", "2.0e-3", True),
        ("worst case of the range", "6.1e-4", "1.0e-2", True),
        ("samples held out", 2048, None, None),
    )
    return Section(
        "Surrogate against ngspice",
        (
            "Judged on inputs and conductances that the fit has not seen.",
            Figure(
                "Parity",
                ParityChart(
                    Axis("ngspice", "A"), Axis("surrogate", "A"), reference, reference + error
                ),
                "Every output current of the held-out samples.",
            ),
            Figure(
                "Error",
                Histogram(
                    Axis("Surrogate minus ngspice", "A"),
                    error,
                    marks=(
                        Mark("1 % below", float(np.quantile(error, 0.01))),
                        Mark("99 % below", float(np.quantile(error, 0.99))),
                    ),
                ),
            ),
            Figure(
                "Error over the array",
                HeatMap(columns + rng.normal(0, 4e-10, columns.shape), "RMS error", "A"),
                "Far from the drivers and sensors the wires drop most.",
            ),
            Figure(
                "Signed error over the array",
                HeatMap(rng.normal(0, 4e-9, (8, 16)), "Error", "A", diverging=True),
            ),
            Figure(
                "Error of every column",
                HeatMap(columns[:1], "RMS error", "A", row_label="all rows"),
                wide=True,
            ),
            Table(
                "Certificate",
                (Column("figure"), Column("measured"), Column("limit"), Column("verdict")),
                certificate,
                "Held out: 64 conductance matrices, 32 inputs each.",
            ),
        ),
    )


def _accuracy_section(rng):
    means = {
        "ideal arithmetic": (0.885, 0.944),
        "surrogate": (0.872, 0.935),
        "ngspice": (0.873, 0.934),
    }
    series = tuple(
        GroupSeries(name, np.array([rng.normal(mean, 0.012, 5) for mean in pair]))
        for name, pair in means.items()
    )
    rounds = np.array([1e-3, 1e-2, 1e-1, 1.0])
    return Section(
        "Accuracy three ways",
        (
            Figure(
                "Accuracy per chip",
                GroupChart(Axis("Accuracy", "%"), ("plain training", "variability-aware"), series),
                "Points are chips, lines their mean, bands one standard deviation.",
                wide=True,
            ),
            Figure(
                "The same, from zero",
                GroupChart(
                    Axis("Accuracy", "%", low=0.0, high=1.0),
                    ("plain training", "variability-aware"),
                    series,
                ),
            ),
            Figure(
                "Error against samples",
                LineChart(
                    Axis("Time per sample", "s", log=True),
                    Axis("Error", "%", log=True),
                    (
                        Series("fitted", rounds, 1e-4 / rounds**0.5),
                        Series("limit", rounds, np.full(4, 2e-3), dashed=True),
                    ),
                ),
            ),
        ),
    )


def _time_section():
    parts = (("sampling in ngspice", 121.0), ("fit", 9.5), ("training", 64.0))
    parts += (("programming", 3.2), ("evaluation in ngspice", 213.0), ("report", 1.1))
    return Section("Where the time went", (Figure("Stages", TimeBar(parts)),))
