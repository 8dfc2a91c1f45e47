"""Writing the deck of a 128 x 128 1T1R tile: as text, and from PySpice's circuit objects.

Both write the same four elements per cell, with the same subcircuits and sources. The objects are
what a PySpice script makes: one call per element on a `Circuit`, then `str(circuit)`. The text is
timed from the arrays to the finished deck, conductances turned into model parameters included; the
first deck of a process, which also compiles the models, is not counted.
"""

from __future__ import annotations

import importlib.metadata
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PySpice.Spice.Netlist import Circuit

from benchmarks.ngspice_sampling import COMPILED, SEED
from netlists.cells import CellParts, Gates, device_parameters, load_cell
from netlists.specs import TileSpec
from netlists.testbench import read_testbench


SIZE = 128


def run(quick: bool) -> dict[str, Any]:
    """Measure the seconds per deck of both ways."""
    spec = TileSpec.from_toml(COMPILED).model_copy(update={"rows": SIZE, "cols": SIZE})
    parts = load_cell(spec)
    draw = np.random.default_rng(SEED)
    G = draw.uniform(spec.cell.conductance_min, spec.cell.conductance_max, (SIZE, SIZE))
    X = draw.uniform(0, spec.drivers.read_voltage, (1, SIZE))

    def text() -> str:
        return read_testbench(spec, G, X, parts, Gates.WORDLINES).deck()

    def objects() -> str:
        return str(pyspice_circuit(spec, parts, G, X[0]))

    ours, theirs = median_seconds(text, 5), median_seconds(objects, 1 if quick else 3)
    return {
        "figures": {f"seconds_n{SIZE}": ours, "characters": len(text())},
        "references": [
            {
                "name": "PySpice circuit objects",
                "version": importlib.metadata.version("PySpice"),
                f"seconds_n{SIZE}": theirs,
                "characters": len(objects()),
            }
        ],
        "ratios": {f"speedup_vs_pyspice_objects_n{SIZE}": theirs / ours},
    }


def pyspice_circuit(spec: TileSpec, parts: CellParts, G: np.ndarray, x: np.ndarray) -> Circuit:
    """The same tile from one object per element."""
    values = device_parameters(parts, G)
    segment = spec.wires.output_line_resistance
    circuit = Circuit(spec.name)
    circuit.raw_spice = "\n".join(parts.definitions(Gates.WORDLINES))
    for row in range(spec.rows):
        circuit.V(f"in_{row}", f"in_{row}", circuit.gnd, x[row])
        circuit.V(f"wl_{row}", f"wl_{row}", circuit.gnd, spec.cell.gate_voltage)
        for col in range(spec.cols):
            before = f"il_{row}_{col - 1}" if col else f"in_{row}"
            after = f"ol_{row + 1}_{col}" if row < spec.rows - 1 else f"out_{col}"
            top, middle, bottom = (f"{line}_{row}_{col}" for line in ("il", "m", "ol"))
            circuit.R(top, before, top, segment)
            circuit.R(bottom, bottom, after, segment)
            gap = values[row, col]
            circuit.X(f"dev_{row}_{col}", "rram_gap", top, middle, gap_init=gap)
            nets = (middle, f"wl_{row}", bottom, circuit.gnd)
            circuit.X(f"fet_{row}_{col}", "nmos_ekv", *nets)
    for col in range(spec.cols):
        circuit.V(f"sense_{col}", f"out_{col}", circuit.gnd, 0)
    return circuit


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time, after one run that does not count [s]."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
