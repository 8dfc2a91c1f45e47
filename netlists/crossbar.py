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
from itertools import pairwise

from netlists import names
from netlists.si_numbers import literal
from netlists.specs import TileSpec


def input_line_lines(spec: TileSpec) -> Iterator[str]:
    """The segments of all input lines; `ril_r_c` leads to cell (r, c) from the driver's side."""
    end, segment = literal(spec.input_line_end), literal(spec.wires.input_line_resistance)
    for row, nodes in enumerate(names.input_line_nodes(spec.rows, spec.cols)):
        yield f"r{nodes[0]} {names.driver_node(row)} {nodes[0]} {end}"
        for before, here in pairwise(nodes):
            yield f"r{here} {before} {here} {segment}"


def output_line_lines(spec: TileSpec, *, ideal_sensor: bool = True) -> Iterator[str]:
    """The segments of all output lines; `rol_r_c` leads from cell (r, c) to the sensor's side.

    An ideal sensor stands for an amplifier together with its input resistance.
    """
    wire = spec.wires.output_line_resistance
    amplified = wire + spec.sensing.input_resistance
    end, segment = literal(spec.output_line_end if ideal_sensor else amplified), literal(wire)
    nodes = names.output_line_nodes(spec.rows, spec.cols)
    for here_of_col, after_of_col in pairwise(nodes):
        for here, after in zip(here_of_col, after_of_col, strict=True):
            yield f"r{here} {here} {after} {segment}"
    for col, here in enumerate(nodes[-1]):
        yield f"r{here} {here} {names.sense_node(col)} {end}"


def wire_capacitance_lines(spec: TileSpec) -> Iterator[str]:
    """The capacitance of every segment to ground, at its cell; none where it is zero."""
    shape = (spec.rows, spec.cols)
    lines = (
        (spec.wires.input_line_capacitance, names.input_line_nodes(*shape)),
        (spec.wires.output_line_capacitance, names.output_line_nodes(*shape)),
    )
    for farad, nodes in lines:
        if farad:
            yield from (f"c{node} {node} 0 {literal(farad)}" for row in nodes for node in row)
