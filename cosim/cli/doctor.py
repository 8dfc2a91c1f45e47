"""`cosim doctor`: what is installed, and what to do if something is missing."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform

import click

import cosim
from cosim.errors import SimulatorMissing
from cosim.ngspice import ngspice_info


PACKAGES = ("PySpice", "numpy", "scipy", "numba", "torch", "dask", "xarray", "zarr")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Which ngspice, which solver, which packages, how many cores.

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
        rows |= _simulator()
    except SimulatorMissing as error:
        missing = error
        rows["ngspice"] = "missing"
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        width = max(map(len, rows))
        for name, value in rows.items():
            click.echo(f"{name:<{width}}  {value}")
    if missing is not None:
        raise missing


def _simulator() -> dict[str, str]:
    """What there is to know of ngspice, and what it means for speed."""
    info = ngspice_info()
    solver = "KLU" if info.klu else "Sparse 1.3; ngspice 42 or newer brings KLU, which is faster"
    return {
        "ngspice": str(info.version),
        "ngspice library": str(info.library),
        "ngspice executable": str(info.executable),
        "matrix solver": solver,
    }
