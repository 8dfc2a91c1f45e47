"""The environment that ngspice runs in."""

from __future__ import annotations

import os
from pathlib import Path


def simulator_environment() -> dict[str, str]:
    """This process's environment, one thread, and its folder as the place of relative includes."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **threads, "NGSPICE_INPUT_DIR": str(Path.cwd())}
