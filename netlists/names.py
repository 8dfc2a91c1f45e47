"""Names of nodes and elements of a crossbar; the only place that formats them.

ngspice ignores case, so every name is lower case. Indices are `_row_col`, row first, zero at the
driver and far from the sensor:

    in_r        the driver's output            wl_r      the word line (gates) of row r
    il_r_c      input line at cell (r, c)      ol_r_c    output line at cell (r, c)
    m_r_c       between device and access transistor
    out_c       the end of output line c, held at 0 V by the sensor `vsense_c`
"""

from __future__ import annotations


INDEX_NODE = "index"
INDEX_SOURCE = "vindex"


def driver_node(row: int) -> str:
    """The output of the driver of a row."""
    return f"in_{row}"


def input_line_node(row: int, col: int) -> str:
    """The input line at one cell."""
    return f"il_{row}_{col}"


def output_line_node(row: int, col: int) -> str:
    """The output line at one cell."""
    return f"ol_{row}_{col}"


def middle_node(row: int, col: int) -> str:
    """The node between the device and its access transistor."""
    return f"m_{row}_{col}"


def wordline_node(row: int) -> str:
    """The word line of a row."""
    return f"wl_{row}"


def sense_node(col: int) -> str:
    """The end of an output line."""
    return f"out_{col}"


def sense_source(col: int) -> str:
    """The 0-V source whose current is the output of a column."""
    return f"vsense_{col}"


def sense_current(col: int) -> str:
    """The vector that holds the output current of a column, positive into the sensor."""
    return f"i({sense_source(col)})"
