"""Call a compiled cell by its address, so that the solver is compiled once and not once per cell.

A cell kernel is a C function `void cell(double *work, const double *shared)`. `work` holds `SLOTS`
rows of `LANES` cells each: voltages and parameter in, current and slopes out. `shared` holds what
all cells of a row have in common. The kernel evaluates a whole chunk, which keeps the indirect call
cheap and lets the compiler vectorise over cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from cosim.solver.simd import Numba


# Rows of `work`. In: voltages [V] and the device parameter; the middle node is also adjusted.
ROW_VOLTAGE, COL_VOLTAGE, MIDDLE, PARAMETER = 0, 1, 2, 3
# Out: current [A]; its slopes [S]; change of the middle node per volt of either line, and alone.
CURRENT, SLOPE_ROW, SLOPE_COL, MIDDLE_ROW, MIDDLE_COL, MIDDLE_STEP = 4, 5, 6, 7, 8, 9
SLOTS = 10
# Out of the sensitivity kernel: slope of the device's current in its own parameter, and of the
# access element's current in the gate voltage, both at fixed terminal voltages.
VALUE_SLOPE, GATE_SLOPE = 4, 5

# Entries of `shared`: the largest middle-node step that the line-level Newton may absorb, the
# largest that one local step may take [V], the row's gate voltage [V]; then model parameters.
STEP_LIMIT, STEP_CLIP, GATE, FIRST_PARAMETER = 0, 1, 2, 3


class CellCode(NamedTuple):
    """A cell as the solver's kernels see it.

    Attributes:
        address: of the compiled function.
        sensitivity: address of its companion, for gradients.
        work: `[1, SLOTS, LANES]`.
        shared: `[FIRST_PARAMETER + model parameters]`.
    """

    address: int
    sensitivity: int
    work: np.ndarray
    shared: np.ndarray


@intrinsic
def evaluate_chunk(typing: Numba, address: Numba, work: Numba, shared: Numba) -> Numba:
    """Call the cell function at `address` on two contiguous arrays of doubles."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        double = ir.DoubleType().as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [double, double]).as_pointer()
        function = builder.inttoptr(args[0], kind)
        pointers = [
            builder.bitcast(make_array(array)(context, builder, value).data, double)
            for array, value in zip((work, shared), args[1:], strict=True)
        ]
        builder.call(function, pointers)
        return context.get_dummy_value()

    return types.void(types.intp, work, shared), generate
