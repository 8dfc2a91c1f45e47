"""Peers that solve a crossbar of ideal resistors: badcrossbar, and an iteration like CrossSim's.

badcrossbar lives in an environment of its own, because its dependencies are not ours:

    python -m venv peers/badcrossbar
    peers/badcrossbar/bin/pip install --no-deps badcrossbar
    peers/badcrossbar/bin/pip install numpy scipy pathvalidate sortedcontainers

and `$BADCROSSBAR_PYTHON` is that environment's python. The iteration follows CrossSim's manual: the
cells' voltages are lowered by the drops that the cells' currents cause along both lines, and each
update is damped, the more when the iteration diverges.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np


PYTHON_VARIABLE = "BADCROSSBAR_PYTHON"
PROGRAM = """
import json, logging, sys, time
import numpy as np
import badcrossbar
logging.disable(logging.CRITICAL)
data = np.load(sys.argv[1])
resistances, volts, wire = 1.0 / data["G"], data["X"].T, float(data["wire"])
best = float("inf")
for _ in range(3):
    began = time.process_time()
    solution = badcrossbar.compute(volts, resistances, r_i_word_line=wire, r_i_bit_line=wire)
    best = min(best, time.process_time() - began)
np.save(sys.argv[2], solution.currents.output)
from importlib.metadata import version
print(json.dumps([version("badcrossbar"), best]))
"""


def badcrossbar_currents(
    X: np.ndarray, G: np.ndarray, wire: float
) -> tuple[str, float, np.ndarray] | None:
    """Version, processor time [s] and currents `[samples, cols]`; None without the package."""
    python = os.environ.get(PYTHON_VARIABLE)
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npy"
        np.savez(given, X=X, G=G, wire=wire)
        command = [python, "-c", PROGRAM, str(given), str(found)]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        version, seconds = json.loads(result.stdout.splitlines()[-1])
        return version, seconds, np.load(found)


def relaxed_currents(
    X: np.ndarray, G: np.ndarray, wire: float, tolerance: float
) -> tuple[float, np.ndarray, int]:
    """Processor time [s], currents `[samples, cols]` and iterations of the damped iteration.

    Args:
        X: inputs [V], `[samples, rows]`.
        G: conductances [S], `[rows, cols]`.
        wire: resistance of every segment [ohm], the ones at both ends included.
        tolerance: largest change of a cell's voltage [V] at the end.

    Raises:
        ArithmeticError: it diverges at every damping.
    """
    began = time.process_time()
    damping = min(0.9, 20.0 / (sum(G.shape) * max(wire, 1e-9)))
    while damping > 1e-4:
        applied = np.repeat(X[:, :, None], G.shape[1], axis=2)
        across, last = applied.copy(), np.inf
        for count in range(1, 20_000):
            current = across * G
            along_rows = current[:, :, ::-1].cumsum(2)[:, :, ::-1].cumsum(2)
            along_cols = current.cumsum(1)[:, ::-1].cumsum(1)[:, ::-1]
            error = applied - wire * (along_rows + along_cols) - across
            largest = float(np.abs(error).max())
            if largest < tolerance:
                return time.process_time() - began, (across * G).sum(1), count
            if not largest < 10 * last:
                break
            last = min(last, largest)
            across += damping * error
        damping *= 0.5
    raise ArithmeticError("the damped iteration diverges")
