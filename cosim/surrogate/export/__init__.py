"""Surrogates out of the door: programs and netlists that work where this package is not.

    surrogate ──► program   torch.export (.pt2), loads with torch alone; ONNX for known weights
        └─ + G ─► block     the tile as polynomials ──► SPICE subcircuit, Verilog-A module

A program of known weights has only the inputs to multiply; one of changing weights also takes the
conductances, differentiably. A block can stand in a larger circuit: it draws current from its
drivers and works into what loads its outputs.
"""

from cosim.surrogate.export.block import TileBlock, block_of
from cosim.surrogate.export.programs import (
    Precision,
    Written,
    write_onnx,
    write_program,
)
from cosim.surrogate.export.spice import subcircuit_text
from cosim.surrogate.export.verilog_a import module_text


__all__ = [
    "Precision",
    "TileBlock",
    "Written",
    "block_of",
    "module_text",
    "subcircuit_text",
    "write_onnx",
    "write_program",
]
