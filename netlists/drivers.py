"""Drivers: the sources at the input lines and word lines.

For many input vectors the input sources follow a table over the value of one index source, so that
a DC sweep of the index runs every vector in one load of the circuit:

    vindex index 0 0
    bin_3 in_3 0 V=pwl(v(index), 0, x[0,3], 1, x[1,3], ...)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from netlists import names
from netlists.si_numbers import literal
from netlists.specs import TileSpec
from netlists.spice import voltage_expression, voltage_source


def wordline_lines(spec: TileSpec, ground: str = "0") -> Iterator[str]:
    """One gate source per row, against the crossbar's `ground`; nothing without transistors.

    One source for all gates would make ngspice search a list as long as the array at each cell.
    """
    if spec.cell.gate_voltage is not None:
        for row in range(spec.rows):
            node, active = names.wordline_node(row), row not in spec.inactive_rows
            volt = spec.cell.gate_voltage if active else spec.cell.gate_voltage_off
            yield voltage_source(f"v{node}", node, ground, volt)


def constant_input_lines(inputs: Float[np.ndarray, " rows"]) -> Iterator[str]:
    """One constant source per row [V]."""
    for row, volt in enumerate(inputs):
        yield voltage_source(f"vin_{row}", names.driver_node(row), "0", float(volt))


def indexed_input_lines(inputs: Float[np.ndarray, "samples rows"]) -> Iterator[str]:
    """Sources that follow the index: sample k of every row at index k [V]."""
    yield voltage_source(names.INDEX_SOURCE, names.INDEX_NODE, "0", 0.0)
    for row in range(inputs.shape[1]):
        if len(inputs) == 1 or not inputs[:, row].any():  # a table needs two points
            yield voltage_source(f"vin_{row}", names.driver_node(row), "0", inputs[0, row])
            continue
        points = ", ".join(f"{k}, {literal(volt)}" for k, volt in enumerate(inputs[:, row]))
        expression = f"pwl(v({names.INDEX_NODE}), {points})"
        yield voltage_expression(f"bin_{row}", names.driver_node(row), "0", expression)
