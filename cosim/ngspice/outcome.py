"""From the vectors and words that ngspice leaves behind to a result.

Both runners end here, so they agree on names and verdicts. Inside, vectors have the names of a
plot, lower case: `vsense_0#branch` for `i(vsense_0)`, `node` for `v(node)`, `@r1[i]` as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.ngspice import log
from cosim.ngspice.simulation import Result, Simulation
from cosim.results import Code, Status


Vectors = Mapping[str, NDArray[Any]]

_AXES = {"time", "frequency"}
_SWEPT = re.compile(r"-sweep(#branch)?$")  # a raw file calls a swept current `i(i-sweep)`


def plot_name(name: str) -> str:
    """The name inside a plot of an output, of a raw file's variable, or of PySpice's vector."""
    lowered = name.lower()
    if not (lowered.startswith(("i(", "v(")) and lowered.endswith(")")):
        return lowered
    inner = lowered[2:-1]
    return f"{inner}#branch" if lowered[0] == "i" and not inner.startswith("@") else inner


def outcome(simulation: Simulation, vectors: Vectors, said: str) -> Result:
    """The result of an analysis that has run, with its outputs under the names asked for.

    Args:
        simulation: what was asked.
        vectors: everything in the plot; empty when there is no plot.
        said: what ngspice printed since the deck was loaded.
    """
    words = log.shortened(said)
    status = _analysis_status(simulation, vectors, said)
    if not status.ok:
        return Result(status, log=words)
    outputs = {name: vectors[plot_name(name)] for name in simulation.outputs}
    status = log.values_status(outputs)
    if not status.ok:
        return Result(status, log=words)
    return Result(status, outputs, _axis(vectors), words)


def _analysis_status(simulation: Simulation, vectors: Vectors, said: str) -> Status:
    missing = [name for name in simulation.outputs if plot_name(name) not in vectors]
    filled = all(values.size for values in vectors.values())
    if missing and vectors and filled:
        return Status(Code.NO_OUTPUT, f"the circuit has no vector {missing[0]}")
    return log.run_status(said, has_values=filled and not missing)


def _axis(vectors: Vectors) -> NDArray[np.float64] | None:
    """What the analysis ran over."""
    axes = (name for name in vectors if name in _AXES or _SWEPT.search(name))
    name = next(axes, None)
    return None if name is None else np.real(vectors[name])
