"""The crossbar: cells between input lines (rows) and output lines (columns), wire by wire.

in_0 ─Rs─Rw─ il_0_0 ──Rw── il_0_1 ──Rw── il_0_2        Rs  source resistance of the driver
               │ cell        │ cell        │ cell      Rw  one segment of input line
             ol_0_0        ol_0_1        ol_0_2
               Cw            Cw            Cw          Cw  one segment of output line
in_1 ─Rs─Rw─ il_1_0 ──Rw── il_1_1 ──Rw── il_1_2
               │ cell        │ cell        │ cell
             ol_1_0        ol_1_1        ol_1_2
               Cw+Ri         Cw+Ri         Cw+Ri       Ri  input resistance of the sensor
             out_0         out_1         out_2         held at 0 V
"""

from __future__ import annotations

from collections.abc import Iterator

from netlists import names
from netlists.si_numbers import literal
from netlists.specs import TileSpec


def input_line_lines(spec: TileSpec) -> Iterator[str]:
    """The segments of all input lines; `ril_r_c` leads to cell (r, c) from the driver's side."""
    end, segment = literal(spec.input_line_end), literal(spec.wires.input_line_resistance)
    for row in range(spec.rows):
        before = names.driver_node(row)
        for col in range(spec.cols):
            here = names.input_line_node(row, col)
            yield f"ril_{row}_{col} {before} {here} {segment if col else end}"
            before = here


def output_line_lines(spec: TileSpec) -> Iterator[str]:
    """The segments of all output lines; `rol_r_c` leads from cell (r, c) to the sensor's side."""
    end, segment = literal(spec.output_line_end), literal(spec.wires.output_line_resistance)
    for row in range(spec.rows):
        last = row == spec.rows - 1
        for col in range(spec.cols):
            here = names.output_line_node(row, col)
            after = names.sense_node(col) if last else names.output_line_node(row + 1, col)
            yield f"rol_{row}_{col} {here} {after} {end if last else segment}"
