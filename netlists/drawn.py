"""Read back what a mismatch draw wrote into a circuit."""

from __future__ import annotations

import re

from compact_models.errors import InputError
from netlists.schematic import Part, Placement, Subcircuit


def drawn_value(circuit: Subcircuit, path: str, parameter: str, default: float) -> float:
    """An instance parameter of an element.

    Args:
        circuit: where the path begins.
        path: the element's name, behind those of the subcircuits it is in: `xcmp.voffset`.
        parameter: such as `scale`, `dc` or `delvto`.
        default: its value in a circuit without a draw.

    Raises:
        InputError: the circuit has no such element.
    """
    head, _, rest = path.partition(".")
    for part in circuit.parts:
        if isinstance(part, Placement) and part.name == head and rest:
            return drawn_value(part.child, rest, parameter, default)
        if isinstance(part, Part) and not rest and part.text.split(maxsplit=1)[0] == head:
            found = re.search(rf"\b{parameter}=(\S+)", part.text)
            return float(found[1]) if found else default
    raise InputError(
        f"the subcircuit {circuit.name} has no element `{path}`; name an element as it is drawn, "
        "with SPICE's leading letter"
    )
