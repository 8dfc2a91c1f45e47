"""Reading ngspice's binary raw files.

A raw file is a text header (`No. Variables`, `No. Points`, one line per variable: index, name,
type) followed by `Binary:` and the points one after another as doubles; a complex file has two per
value. Names come in ngspice's short form, `i(vsense_0)` or `v(node)`, in lower or upper case.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import SimulatorError


_SEPARATOR = b"Binary:\n"


def read_rawfile(path: Path) -> dict[str, NDArray[Any]]:
    """The vectors of the first plot in a raw file, by lower-case name, `[points]` each.

    Returns:
        float64 values, or complex128 from a file of complex numbers.

    Raises:
        SimulatorError: the file is not a binary raw file of an analysis, or is cut short.
    """
    content = path.read_bytes()
    header, separator, data = content.partition(_SEPARATOR)
    text = header.decode("utf-8", errors="replace")
    variables = re.search(r"No\. Variables:\s*(\d+)", text)
    points = re.search(r"No\. Points:\s*(\d+)", text)
    flags = re.search(r"^Flags: (real|complex)", text, re.M)
    # Without a plot ngspice writes its table of constants, which is complex.
    constants = re.search(r"^Plotname: constant", text, re.M)
    if constants or not (separator and variables and points and flags):
        raise SimulatorError(f"{path.name} is not a binary raw file of an analysis; run it again")
    rows, columns = int(points[1]), int(variables[1])
    kind = np.dtype(np.float64 if flags[1] == "real" else np.complex128)
    if len(data) < kind.itemsize * rows * columns:
        raise SimulatorError(f"{path.name} ends after {len(data)} bytes of data; run it again")
    names = [line.split()[1].lower() for line in text.partition("Variables:\n")[2].splitlines()]
    table = np.frombuffer(data, dtype=kind, count=rows * columns).reshape(rows, columns)
    return {name: table[:, column].copy() for column, name in enumerate(names[:columns])}
