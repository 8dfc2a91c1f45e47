"""Compile the kernels of the default surrogate ahead of their first use, both precisions at once.

    python -m cosim.surrogate.ahead

Machine code is made when a kernel is first used, and kept; this makes all of it before, for
instance when the package is installed. A surrogate answers in torch before its kernels pay
(`cosim.surrogate.fused`), with or without their machine code at hand.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from cosim.surrogate.cell_polynomial import CUBIC, DEGREE_IN_Y, CellPolynomial
from cosim.surrogate.domain import Domain
from cosim.surrogate.fused import DTYPES
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin
from cosim.surrogate.wire_kernels import WireResistances


def use(dtype: torch.dtype) -> None:
    """A training step of a small tile of almost ideal resistors."""
    coefficient = torch.zeros(len(CUBIC), DEGREE_IN_Y + 1, dtype=torch.float64)
    coefficient[CUBIC.index((1, 0)), 0] = 1
    cell = CellPolynomial(CUBIC, coefficient, g_half=1e-2, g_high=1e-4, read_voltage=0.2)
    wires = WireResistances(input_line=1.0, output_line=1.0, source=0.0, sense=0.0)
    surrogate = LineModeGalerkin(2, 2, wires, cell, Domain(0.0, 0.2, 1e-6, 1e-4), 1).to(dtype)
    surrogate.patience = 0
    V = torch.full((1, 2), 0.2, dtype=dtype, requires_grad=True)
    G = torch.full((2, 2), 1e-5, dtype=dtype, requires_grad=True)
    surrogate(V, G).sum().backward()


def main() -> None:
    """Make all machine code that is not there yet."""
    cores = min(len(DTYPES), os.cpu_count() or 1)
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        for made in [pool.submit(use, dtype) for dtype in DTYPES]:
            made.result()


if __name__ == "__main__":
    main()
