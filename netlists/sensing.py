"""Sensing: what stands at the end of every output line."""

from __future__ import annotations

from collections.abc import Iterator

from netlists import names
from netlists.specs import TileSpec
from netlists.spice import voltage_source


def virtual_ground_lines(spec: TileSpec) -> Iterator[str]:
    """A 0-V source per column: it holds the line's end at ground and measures the current."""
    for col in range(spec.cols):
        yield voltage_source(names.sense_source(col), names.sense_node(col), "0", 0.0)
