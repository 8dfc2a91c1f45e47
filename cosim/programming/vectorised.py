"""Cells as arrays: the compiled model's loop over all of them, on several threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from compact_models import NumbaKernel, load_model
from cosim.programming.cell_source import pulse_loop
from cosim.programming.cells import AbstractCells, CellKind, Pulse, per_cell


SMALLEST_SHARE = 512  # cells; fewer are not worth another thread


@dataclass(frozen=True)
class VectorisedCells(AbstractCells):
    """Cells that are integrated by the compiled loop.

    Attributes:
        threads: how many threads share the cells; all cores when None.
    """

    threads: int | None = None

    def conductance(self, state: Float[ndarray, " size"]) -> Float[ndarray, " size"]:
        """Conductance of every device alone at the card's read voltage [S]."""
        kernel = _read_kernel(self.kind)
        x = np.zeros((self.size, 2))
        voltage = self.kind.memory.range.read_voltage
        x[:, 0] = voltage
        values = {**self.device_parameters, self.kind.state_parameter: state}
        arguments = np.stack([values[name] for name in kernel.parameters], axis=1)
        return kernel.evaluate(x, arguments)[:, 0] / voltage

    def pulse(
        self,
        state: Float[ndarray, " size"],
        pulse: Pulse,
        active: Bool[ndarray, " size"],
        index: int,
    ) -> tuple[Float[ndarray, " size"], Float[ndarray, " size"]]:
        """Give one pulse to the active cells; see `AbstractCells.pulse`."""
        table, names = _compiled(self.kind)
        chosen = np.flatnonzero(active)
        drawn = self.parameters(index)
        rows = np.array([drawn[name][chosen] for name in names]).reshape(len(names), chosen.size)
        voltages = [per_cell(v, self.size)[chosen] for v in (pulse.te, pulse.gate, pulse.sl)]
        states, energies = state[chosen], np.zeros(chosen.size)

        def share(part: slice) -> None:
            volts = [v[part] for v in voltages]
            own = np.ascontiguousarray(rows[:, part])
            table(*volts, pulse.width, states[part], own, energies[part])

        self._in_threads(share, chosen.size)
        new, energy = state.copy(), np.zeros(self.size)
        new[chosen], energy[chosen] = states, energies
        return new, energy

    def _in_threads(self, work: Callable[[slice], None], size: int) -> None:
        threads = self.threads or len(os.sched_getaffinity(0))
        threads = max(1, min(threads, size // SMALLEST_SHARE))
        borders = np.linspace(0, size, threads + 1).astype(int)
        parts = [slice(a, b) for a, b in pairwise(borders)]
        if threads == 1:
            work(parts[0])
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, parts))


def _read_kernel(kind: CellKind) -> NumbaKernel:
    return kind.memory.model.to_numba(frozen=True, values=kind.fixed_values)


def _compiled(kind: CellKind) -> tuple[Callable[..., None], tuple[str, ...]]:
    """The loop of a cell, and the order of its drawn parameters."""
    fixed = tuple(sorted(kind.fixed_values.items()))
    transistor = tuple(sorted(kind.transistor_values.items()))
    return _loop(kind.device.model, fixed, kind.state_parameter, kind.transistor.model, transistor)


@cache
def _loop(
    device: str,
    fixed: tuple[tuple[str, float], ...],
    state: str,
    transistor: str,
    transistor_values: tuple[tuple[str, float], ...],
) -> tuple[Callable[..., None], tuple[str, ...]]:
    model = load_model(device)
    # The initial value does not enter the equations; some number has to stand for it.
    values = {**dict(fixed), state: model.parameters[state].default}
    kernel = model.to_numba(values=values)
    other = load_model(transistor).to_numba(frozen=True, values=dict(transistor_values))
    return pulse_loop(kernel, other, model.states[0].scale), kernel.parameters
