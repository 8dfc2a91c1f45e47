"""The current of one cell: device and access transistor with their shared node eliminated.

    vr ── device ── m ── access transistor ── vc        gate at the read gate voltage, bulk at 0 V

The current through both is the same, so the voltage of m solves  I_device(vr - m) = I_fet(m, vc).
Both sides are monotone in m, hence the root is unique; Newton's method, kept inside a bracket that
shrinks, finds it for every cell of an array at once. This is the exact cell that surrogates fit and
that the netlist simulates: both come from the same compiled Verilog-A.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from compact_models import NumbaKernel
from compact_models.errors import SpecError
from netlists.cells import TEMPERATURE, CellParts, Gates, load_cell
from netlists.specs import TileSpec


Array = Float[np.ndarray, "..."]

MAX_ITERATIONS = 100
# Relative to the cell's own voltage; the current then is good to about the same.
TOLERANCE = 1e-14


@dataclass(frozen=True)
class TileCell:
    """The cell of a tile as a function of its two line voltages and its conductance.

    Attributes:
        spec: the tile whose cell this is.
    """

    spec: TileSpec

    @cached_property
    def parts(self) -> CellParts:
        """The compact models of the cell.

        Raises:
            SpecError: a part of the cell is SPICE text, or cells differ from row to row.
        """
        if self.spec.inactive_rows or self.spec.cell.driven != "device":
            raise SpecError(
                "cell: a surrogate stands for active rows whose cells are driven at the device, "
                "not for inactive rows or cells driven at their transistor; change the tile, or "
                "use the ngspice engine"
            )
        parts = load_cell(self.spec)
        if parts.subcircuits:
            raise SpecError(
                f"cell: {parts.subcircuits[0].name} is a subcircuit; this needs compiled models; "
                "use the ngspice or the solver engine for this tile"
            )
        return parts

    def current(self, vr: ArrayLike, vc: ArrayLike, conductance: ArrayLike) -> Array:
        """Current from the input line through the cell into the output line [A].

        Args:
            vr: voltage of the input line [V]; broadcasts with the others.
            vc: voltage of the output line [V].
            conductance: of the device alone at its card's read voltage [S].

        Raises:
            CardError: a conductance outside the card's range.
        """
        vr, vc, conductance = np.broadcast_arrays(
            *(np.asarray(value, dtype=np.float64) for value in (vr, vc, conductance))
        )
        parameter = self.device_parameter(conductance)
        if self.parts.access is None:
            return self.device_current(np.asarray(vr - vc), parameter)[0]
        return self._series(vr, vc, parameter)

    def device_parameter(self, conductance: Array) -> Array:
        """The device's own parameter that gives a conductance [S]; itself for a resistor."""
        device = self.parts.device
        return conductance if device is None else device.parameter_for(conductance)

    def device_current(self, voltage: Array, parameter: Array) -> tuple[Array, Array]:
        """Current of the device alone [A] and its slope [S]."""
        device = self.parts.device
        return (
            (np.asarray(parameter * voltage), parameter)
            if device is None
            else device.current(voltage, parameter)
        )

    def _series(self, vr: Array, vc: Array, parameter: Array) -> Array:
        """The common current of device and transistor."""
        low, high = np.minimum(vr, vc), np.maximum(vr, vc)
        middle = 0.5 * (low + high)
        scale = np.maximum(np.abs(vr), np.abs(vc)) + 1e-6
        for _ in range(MAX_ITERATIONS):
            into, slope_into = self.device_current(vr - middle, parameter)
            out, slope_out = self.transistor_current(middle, vc)
            excess = into - out
            # excess falls with the middle voltage: positive means the root lies above.
            low = np.where(excess > 0, middle, low)
            high = np.where(excess > 0, high, middle)
            newton = middle + excess / (slope_into + slope_out)
            inside = (newton >= low) & (newton <= high)
            following = np.where(inside, newton, 0.5 * (low + high))
            step = np.abs(following - middle)
            middle = following
            if np.all(step <= TOLERANCE * scale):
                break
        return self.device_current(vr - middle, parameter)[0]

    def transistor_current(self, drain: Array, source: Array) -> tuple[Array, Array]:
        """Drain current of the access transistor [A] and its slope in the drain voltage [S]."""
        drain, source = np.broadcast_arrays(drain, source)
        kernel = self._transistor
        entries = kernel.evaluate(np.stack([drain.ravel(), source.ravel()], axis=1), [])
        slope = entries[:, 2 * len(kernel.residuals) + kernel.f_pattern.index((0, 0))]
        return entries[:, 0].reshape(drain.shape), slope.reshape(drain.shape)

    @cached_property
    def _transistor(self) -> NumbaKernel:
        """The access transistor between drain and source, with gate and bulk held."""
        model, transistor = self.parts.access_model(Gates.HELD), self.parts.access
        if model is None or transistor is None:
            raise SpecError(f"the cell of {self.spec.name} has no access element")
        values = {**transistor.card.values, TEMPERATURE: transistor.temperature}
        return model.to_numba(frozen=True, values=values)
