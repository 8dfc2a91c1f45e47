"""Names of nodes and elements of a crossbar; the only place that formats them.

ngspice ignores case, so every name is lower case. Indices are `_row_col`, row first, zero at the
driver and far from the sensor:

    in_r        the driver's output            wl_r      the word line (gates) of row r
    il_r_c      input line at cell (r, c)      ol_r_c    output line at cell (r, c)
    m_r_c       between device and access transistor
    out_c       the end of output line c, held at 0 V by the sensor `vsense_c`
    sensed_c    the amplifier's output of column c          code_c_b  bit b of its code
"""

from __future__ import annotations

import functools


# One name for every cell, `[rows][cols]`; formatted once for each size of crossbar.
Grid = tuple[tuple[str, ...], ...]

INDEX_NODE = "index"
INDEX_SOURCE = "vindex"


def driver_node(row: int) -> str:
    """The output of the driver of a row."""
    return f"in_{row}"


def input_line_nodes(rows: int, cols: int) -> Grid:
    """The input lines at the cells."""
    return _grid("il", rows, cols)


def output_line_nodes(rows: int, cols: int) -> Grid:
    """The output lines at the cells."""
    return _grid("ol", rows, cols)


def middle_nodes(rows: int, cols: int) -> Grid:
    """The nodes between device and access transistor."""
    return _grid("m", rows, cols)


@functools.lru_cache(maxsize=12)
def _grid(prefix: str, rows: int, cols: int) -> Grid:
    return tuple(tuple(f"{prefix}_{row}_{col}" for col in range(cols)) for row in range(rows))


def wordline_node(row: int) -> str:
    """The word line of a row."""
    return f"wl_{row}"


def sense_node(col: int) -> str:
    """The end of an output line."""
    return f"out_{col}"


def sensed_node(col: int) -> str:
    """The output of the amplifier of a column."""
    return f"sensed_{col}"


def bit_node(col: int, bit: int) -> str:
    """One bit of the code of a column, least significant first."""
    return f"code_{col}_{bit}"


def sense_source(col: int) -> str:
    """The 0-V source whose current is the output of a column."""
    return f"vsense_{col}"


def sense_current(col: int) -> str:
    """The vector that holds the output current of a column, positive into the sensor."""
    return f"i({sense_source(col)})"
