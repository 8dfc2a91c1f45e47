"""Call a compiled cell by its address, so that the solver is compiled once and not once per cell.

A cell kernel is a C function `void cell(double *work, const double *shared, intptr_t count)`. In
it, `work` holds `SLOTS` rows of `CHUNK` cells each, the first `count` of them used: voltages and
parameter in, current and slopes out. `shared` holds what all cells of a row have in common; what
follows from it alone is computed once per call. The kernel evaluates a whole chunk, which keeps the
call cheap and lets the compiler vectorise over cells. A second kernel does the same in single
precision, for steps whose error is corrected later.
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
# Cells of one call; their work fits into the first-level cache.
CHUNK = 128
# Out of the companion kernel for gradients, besides the slopes and the first of the middle node's
# changes: slope of the device's current in its own parameter, and of the access element's current
# in the gate voltage, both at fixed terminal voltages.
VALUE_SLOPE, GATE_SLOPE = 8, 9

# Entries of `shared`: the largest middle-node step that the line-level Newton may absorb, the
# largest that one local step may take [V], the row's gate voltage [V]; then model parameters.
STEP_LIMIT, STEP_CLIP, GATE, FIRST_PARAMETER = 0, 1, 2, 3


class CellCode(NamedTuple):
    """A cell as the solver's kernels see it.

    Attributes:
        address: of the compiled function.
        single: address of the same in single precision.
        work: `[1, SLOTS, CHUNK]`.
        shared: `[FIRST_PARAMETER + model parameters]`.
        work_single: as `work`, in single precision.
        shared_single: as `shared`, in single precision.
    """

    address: int
    single: int
    work: np.ndarray
    shared: np.ndarray
    work_single: np.ndarray
    shared_single: np.ndarray


class CompanionCode(NamedTuple):
    """A cell's companion for gradients, in one precision.

    Attributes:
        address: of the compiled function.
        work: `[1, SLOTS, CHUNK]`.
        shared: `[FIRST_PARAMETER + model parameters]`.
    """

    address: int
    work: np.ndarray
    shared: np.ndarray


@intrinsic
def evaluate_chunk(
    typing: Numba, address: Numba, work: Numba, shared: Numba, count: Numba
) -> Numba:
    """Call the cell function at `address` on two contiguous arrays of its precision."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        real = context.get_value_type(work.dtype).as_pointer()
        size = context.get_value_type(types.intp)
        kind = ir.FunctionType(ir.VoidType(), [real, real, size]).as_pointer()
        function = builder.inttoptr(args[0], kind)
        pointers = [
            builder.bitcast(make_array(array)(context, builder, value).data, real)
            for array, value in zip((work, shared), args[1:3], strict=True)
        ]
        builder.call(function, [*pointers, args[3]])
        return context.get_dummy_value()

    return types.void(types.intp, work, shared, types.intp), generate
