"""Write the kernel of a cell as Python text, from the compiled models of its parts.

A cell is a device, or a device in series with an access element that shares its inner node m:

    input line ── device ── m ── access ── output line

The text evaluates sixteen cells in a loop without branches. With I1 the current of the device, I2
that of the access element, and their slopes g, one Newton step for m at fixed line voltages is

    h = (I1 - I2) / (g1m + gd)      I = I1 - g1m h

and eliminating m leaves the two slopes of I that the solver needs. Calls of the C library in the
models' text are replaced by `cosim.solver.elementary`, which vectorises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from compact_models import NumbaKernel


FAST_FUNCTIONS = {
    "np.exp": "fast.exp",
    "np.log": "fast.log",
    "np.sinh": "fast.sinh",
    "np.cosh": "fast.cosh",
    "np.tanh": "fast.tanh",
    "_limexp": "fast.limexp",
    "_round": "fast.half_away",
    "_fmod": "fast.remainder",
}
CALL = re.compile("(" + "|".join(re.escape(name) for name in FAST_FUNCTIONS) + r")\(")

HEADER = '''"""The kernel of one kind of cell; written by cosim.solver.cell_source."""

import numpy as np
from numba import carray, cfunc, njit, types

from cosim.solver import elementary as fast
from cosim.solver.cell_call import GATE, SLOTS, STEP_CLIP, STEP_LIMIT
from cosim.solver.simd import LANES

'''

FOOTER = """
MOST_LOCAL_STEPS = 60


@cfunc(types.void(types.CPointer(types.float64), types.CPointer(types.float64)), cache=True)
def cell(work_pointer, shared_pointer):
    work = carray(work_pointer, (SLOTS, LANES))
    shared = carray(shared_pointer, ({size},))
    evaluate(work, shared)
    for _ in range(MOST_LOCAL_STEPS):
        largest = 0.0
        for lane in range(LANES):
            largest = max(largest, abs(work[9, lane]))
        if not largest > shared[STEP_LIMIT]:
            break
        clip = shared[STEP_CLIP]
        for lane in range(LANES):
            work[2, lane] += min(max(work[9, lane], -clip), clip)
        evaluate(work, shared)
"""


@dataclass(frozen=True)
class Element:
    """A model in a cell.

    Attributes:
        kernel: its compiled DC equations.
        near: the terminal towards the input line.
        far: the terminal towards the output line.
        values: numbers of its parameters.
        varying: the parameter that differs from cell to cell, if any.
        held: text of what the other terminals are at.
    """

    kernel: NumbaKernel
    near: str
    far: str
    values: Mapping[str, float]
    varying: str | None = None
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def shared_names(self) -> tuple[str, ...]:
        """Parameters that all cells have in common, in the order of `shared`."""
        return tuple(name for name in self.kernel.parameters if name != self.varying)

    def definition(self, name: str) -> str:
        """The model's function, with functions that vectorise."""
        text = CALL.sub(lambda call: FAST_FUNCTIONS[call.group(1)] + "(", self.kernel.source)
        text = text.replace("def kernel(", f"def {name}(")
        # Not contracted: a difference of equal squares has to be exactly zero.
        return f"\n@njit(error_model='numpy', forceinline=True)\n{text}"

    def call(self, name: str, near: str, far: str) -> str:
        """The text of a call with given terminal voltages."""
        terminals = {self.near: near, self.far: far, **self.held}
        arguments = [terminals[unknown] for unknown in self.kernel.unknowns]
        arguments += [
            "value" if parameter == self.varying else f"{name}_{parameter}"
            for parameter in self.kernel.parameters
        ]
        return f"{name}({', '.join(arguments)})"

    def current(self) -> int:
        """Where the current into the near terminal stands in the returned tuple."""
        return self.kernel.residuals.index(self.near)

    def slope(self, terminal: str) -> str:
        """The index of the slope of that current in a terminal's voltage, as text."""
        place = (self.current(), self.kernel.unknowns.index(terminal))
        if place not in self.kernel.f_pattern:
            return ""
        return f"[{2 * len(self.kernel.residuals) + self.kernel.f_pattern.index(place)}]"


ALONE = """        work[4, lane] = d[{current}]
        work[5, lane] = d{near}
        work[6, lane] = -d{far}
        work[7, lane] = 0.0
        work[8, lane] = 0.0
        work[9, lane] = 0.0
"""

SERIES = """        a = {access_call}
        into = d[{current}]
        g_near = d{near}
        g_far = -d{far}
        g_drain = a{drain}
        g_source = -a{source}
        share = 1.0 / (g_far + g_drain)
        step = (into - a[{access_current}]) * share
        work[4, lane] = into - g_far * step
        work[5, lane] = g_near * g_drain * share
        work[6, lane] = g_far * g_source * share
        work[7, lane] = g_near * share
        work[8, lane] = g_source * share
        work[9, lane] = step
"""


def cell_text(device: Element, access: Element | None, first_parameter: int) -> str:
    """The module text of a cell's kernel."""
    parts = {"device": device} if access is None else {"device": device, "access": access}
    shared = [(part, name) for part, element in parts.items() for name in element.shared_names]
    lines = [element.definition(name) for name, element in parts.items()]
    lines.append('\n@njit(error_model="numpy")\n')
    lines.append("def evaluate(work, shared):\n    gate = shared[GATE]\n")
    for place, (part, name) in enumerate(shared, first_parameter):
        lines.append(f"    {part}_{name} = shared[{place}]\n")
    lines.append("    for lane in range(LANES):\n")
    for place, name in enumerate(("near", "far", "middle", "value")):
        lines.append(f"        {name} = work[{place}, lane]\n")
    slopes = {
        "current": device.current(),
        "near": device.slope(device.near),
        "far": device.slope(device.far),
    }
    if access is None:
        lines.append(f"        d = {device.call('device', 'near', 'far')}\n")
        lines.append(ALONE.format(**slopes))
    else:
        lines.append(f"        d = {device.call('device', 'near', 'middle')}\n")
        text = SERIES.format(
            access_call=access.call("access", "middle", "far"),
            access_current=access.current(),
            drain=access.slope(access.near),
            source=access.slope(access.far),
            **slopes,
        )
        lines.append(text)
    return HEADER + "".join(lines) + FOOTER.format(size=first_parameter + len(shared))
