"""`cosim doctor`: what is installed, and what to do if something is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time

import click
import numpy as np

import cosim
from cosim.cli.files import print_json
from cosim.cli.options import json_option, silent_option, working
from cosim.engine.ngspice import NgspiceEngine
from cosim.errors import SimulatorMissing
from cosim.ngspice import Workers, ngspice_info
from netlists.specs import TileSpec


PACKAGES = ("PySpice", "numpy", "scipy", "numba", "torch", "dask", "xarray", "zarr")
PROBE, VECTORS = 16, 100  # size of the tile whose speed is measured, and its input vectors


@click.command("doctor")
@json_option
@silent_option
def command(as_json: bool) -> None:
    """Which ngspice, which solver, how fast it is here, which packages, how many cores.

    The speed is measured: the input vectors of a small tile through one worker, some seconds.
    Exits with 3 and says what to install when ngspice is missing.

    Example: cosim doctor
    """
    rows = {
        "cosim": cosim.__version__,
        "python": platform.python_version(),
        "cores": str(len(os.sched_getaffinity(0))),
        **{package: importlib.metadata.version(package) for package in PACKAGES},
    }
    missing: SimulatorMissing | None = None
    try:
        with working("measuring ngspice"):
            rows |= _simulator()
    except SimulatorMissing as error:
        missing = error
        rows["ngspice"] = "missing"
    if as_json:
        print_json(rows)
    else:
        width = max(map(len, rows))
        for name, value in rows.items():
            click.echo(f"{name:<{width}}  {value}")
    if missing is not None:
        raise missing


def _simulator() -> dict[str, str]:
    """What there is to know of ngspice, what to expect of it, and what to do to get more."""
    info = ngspice_info()
    rows = {
        "ngspice": str(info.version),
        "ngspice library": str(info.library),
        "ngspice executable": str(info.executable),
        "matrix solver": info.solver,
        "speed": (
            f"{1e3 * seconds_per_sample():.2g} ms per sample of a {PROBE} x {PROBE} 1T1R tile, "
            "on one core"
        ),
    }
    if info.advice:
        rows["to get better"] = info.advice
    return rows


def seconds_per_sample() -> float:
    """Time that one worker needs for each input vector of a small tile, loading included [s]."""
    rng = np.random.default_rng(0)
    spec = TileSpec.from_dict(
        {
            "name": "probe",
            "rows": PROBE,
            "cols": PROBE,
            "cell": {
                "topology": "1T1R",
                "device": "rram_gap__stanford_jiang2016",
                "access_transistor": "nmos_ekv__generic_130nm",
                "gate_voltage": 1.2,
                "conductance_min": 5e-6,
                "conductance_max": 150e-6,
            },
            "wires": {"input_line_resistance": 1.0, "output_line_resistance": 1.0},
            "drivers": {"read_voltage": 0.2},
        }
    )
    G = rng.uniform(spec.cell.conductance_min, spec.cell.conductance_max, (PROBE, PROBE))
    X = rng.uniform(0, spec.drivers.read_voltage, (VECTORS, PROBE))
    with Workers(1) as workers:
        engine = NgspiceEngine(spec, workers)
        engine.mvm(G, X[:2])  # compiles the models and starts the process
        begin = time.perf_counter()
        engine.mvm(G, X)
        return (time.perf_counter() - begin) / VECTORS
