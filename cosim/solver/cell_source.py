"""Write the kernel of a cell as Python text, from the compiled models of its parts.

A cell is a device, or a device in series with an access element that shares its inner node m:

    input line ── device ── m ── access ── output line

or the other way round: then the lines change places and the current is reversed. The text evaluates
up to `CHUNK` cells in a loop without branches. With I1 the current of the device, I2 that of the
access element, and their slopes g, one Newton step for m at fixed line voltages is

    h = (I1 - I2) / (g1m + gd)      I = I1 - g1m h

and eliminating m leaves the two slopes of I that the solver needs. Calls of the C library in the
models' text are replaced by `cosim.solver.elementary`, which vectorises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from compact_models import CompactModel, NumbaKernel
from cosim.solver.table import Table


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
HYPERBOLIC = re.compile(r"    (\w+) = fast\.(sinh|cosh)\((\w+)\)")
CONSTANT = re.compile(r"(?<![\w.])(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+|np\.inf|np\.nan)(?![\w.])")


def _together(text: str) -> str:
    """Compute the hyperbolic sine and cosine of one argument in one call."""
    lines = text.splitlines(keepends=True)
    first: dict[str, tuple[int, str, str]] = {}
    for number, line in enumerate(lines):
        match = HYPERBOLIC.fullmatch(line.rstrip())
        if not match:
            continue
        name, function, argument = match.groups()
        if argument not in first:
            first[argument] = number, name, function
        elif first[argument][2] != function:
            place, other, _ = first[argument]
            pair = f"{name}, {other}" if function == "sinh" else f"{other}, {name}"
            lines[place] = f"    {pair} = fast.sinh_cosh({argument})\n"
            lines[number] = ""
    return "".join(lines)


HEADER = '''"""The kernel of one kind of cell; written by cosim.solver.cell_source."""

import numpy as np
from numba import carray, cfunc, njit, types

from cosim.solver import {functions} as fast
from cosim.solver.cell_call import (
    CHUNK,
    GATE,
    GATE_SLOPE,
    SLOTS,
    STEP_CLIP,
    STEP_LIMIT,
    VALUE_SLOPE,
)

REAL = types.{kind}
'''

EVALUATE = """

@njit(error_model="numpy")
def evaluate(work, shared, count):
    gate = shared[GATE]
{shared}    for lane in range(count):
{inputs}{body}

MOST_LOCAL_STEPS = 60


@cfunc(types.void(types.CPointer(REAL), types.CPointer(REAL), types.intp), cache=True)
def cell(work_pointer, shared_pointer, count):
    work = carray(work_pointer, (SLOTS, CHUNK))
    shared = carray(shared_pointer, ({size},))
    evaluate(work, shared, count)
    for _ in range(MOST_LOCAL_STEPS):
        largest = abs(work[9, 0])
        for lane in range(1, count):
            largest = max(largest, abs(work[9, lane]))
        if not largest > shared[STEP_LIMIT]:
            break
        clip = shared[STEP_CLIP]
        for lane in range(count):
            work[2, lane] += min(max(work[9, lane], -clip), clip)
        evaluate(work, shared, count)
"""

SENSITIVITY = """

@njit(error_model="numpy")
def differentiate(work, shared, count):
    gate = shared[GATE]
{shared}    for lane in range(count):
{inputs}{body}        work[VALUE_SLOPE, lane] = {value_slope}
        work[GATE_SLOPE, lane] = {gate_slope}


@cfunc(types.void(types.CPointer(REAL), types.CPointer(REAL), types.intp), cache=True)
def cell(work_pointer, shared_pointer, count):
    work = carray(work_pointer, (SLOTS, CHUNK))
    differentiate(work, carray(shared_pointer, ({size},)), count)
"""


@dataclass(frozen=True)
class Element:
    """A model in a cell.

    Attributes:
        model: the compiled model.
        kernel: its DC equations, with the varying parameter as one more unknown.
        near: the terminal towards the input line.
        far: the terminal towards the output line.
        values: numbers of its parameters.
        varying: the parameter that differs from cell to cell, if any.
        held: text of what the other terminals are at.
    """

    model: CompactModel
    kernel: NumbaKernel
    near: str
    far: str
    values: Mapping[str, float]
    varying: str | None = None
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def shared_names(self) -> tuple[str, ...]:
        """Parameters that all cells have in common, in the order of `shared`."""
        return self.kernel.parameters

    def definition(self, name: str) -> str:
        """The model's function, with functions that vectorise."""
        text = CALL.sub(lambda call: FAST_FUNCTIONS[call.group(1)] + "(", self.kernel.source)
        text = _together(text)
        text = text.replace("def kernel(", f"def {name}(")
        # Not contracted: a difference of equal squares has to be exactly zero.
        return f"\n@njit(error_model='numpy', fastmath={{'arcp'}}, forceinline=True)\n{text}"

    @property
    def numbers(self) -> tuple[float, ...]:
        """What the kernel reads: the shared parameters."""
        return tuple(self.values[name] for name in self.shared_names)

    def loads(self, name: str, place: int) -> str:
        """The statements that load these numbers from `place` on in `shared`."""
        return "".join(
            f"    {name}_{parameter} = shared[{number}]\n"
            for number, parameter in enumerate(self.shared_names, place)
        )

    def call(self, name: str, near: str, far: str) -> str:
        """The text of a call with given terminal voltages."""
        terminals = {self.near: near, self.far: far, **self.held}
        if self.varying is not None:
            terminals[self.varying] = "value"
        arguments = [terminals[unknown] for unknown in self.kernel.unknowns]
        arguments += [f"{name}_{parameter}" for parameter in self.kernel.parameters]
        return f"{name}({', '.join(arguments)})"

    def current(self) -> int:
        """Where the current into the near terminal stands in the returned tuple."""
        return self.kernel.residuals.index(self.near)

    def slope(self, name: str, unknown: str) -> str:
        """The text of the slope of that current in an unknown, from the result `name`."""
        place = (self.current(), self.kernel.unknowns.index(unknown))
        if place not in self.kernel.f_pattern:
            return "0.0"
        return f"{name}[{2 * len(self.kernel.residuals) + self.kernel.f_pattern.index(place)}]"


ALONE = """        work[4, lane] = d[{current}]
        work[5, lane] = {near}
        work[6, lane] = -{far}
        work[7, lane] = 0
        work[8, lane] = 0
        work[9, lane] = 0
"""

SERIES = """        a = {access_call}
        into = d[{current}]
        g_near = {near}
        g_far = -{far}
        g_drain = {drain}
        g_source = -{source}
        share = ONE / (g_far + g_drain)
        step = (into - a[{access_current}]) * share
"""

ALONG = """        work[4, lane] = into - g_far * step
        work[5, lane] = g_near * g_drain * share
        work[6, lane] = g_far * g_source * share
        work[7, lane] = g_near * share
        work[8, lane] = g_source * share
        work[9, lane] = step
"""

TURNED = """        work[4, lane] = g_far * step - into
        work[5, lane] = g_far * g_source * share
        work[6, lane] = g_near * g_drain * share
        work[7, lane] = g_source * share
        work[8, lane] = g_near * share
        work[9, lane] = step
"""

# What the companion has in the place of the middle node's change: the access element's part.
TURNED_SHARE = """        work[7, lane] = g_near * share
"""


Part = Element | Table


def cell_text(
    device: Part, access: Part | None, first: int, *, single: bool = False, turned: bool = False
) -> str:
    """The module text of the kernel that evaluates a cell; `cell` is its entry point.

    Args:
        device: the element towards the input line.
        access: the element in series with it, if any.
        first: place of the first model parameter in `shared`.
        single: whether it computes in single precision.
        turned: whether the device is towards the output line instead.
    """
    common = _common(device, access, first, turned=turned)
    text = EVALUATE.format(**common, body=_body(device, access, turned=turned))
    return _module(device, access, text, single)


def sensitivity_text(
    device: Part, access: Part | None, first: int, *, single: bool = False, turned: bool = False
) -> str:
    """The module text of the companion kernel for gradients; `cell` is its entry point."""
    gate_slope, sign = "0.0", "-" if turned else ""
    if access is not None:
        for name, held in access.held.items():
            if held == "gate":
                gate_slope = sign + access.slope("a", name)
    text = SENSITIVITY.format(
        **_common(device, access, first, turned=turned),
        body=_body(device, access, turned=turned) + TURNED_SHARE * turned,
        value_slope=sign + device.slope("d", device.varying) if device.varying else "0.0",
        gate_slope=gate_slope,
    )
    return _module(device, access, text, single)


def _module(device: Part, access: Part | None, text: str, single: bool) -> str:
    """A whole module: header, models, and what calls them."""
    functions, kind = ("elementary_single", "float32") if single else ("elementary", "float64")
    parts = {"device": device} if access is None else {"device": device, "access": access}
    body = "".join(element.definition(name) for name, element in parts.items()) + text
    names: dict[str, str] = {"1.0": "ONE"}
    if single:
        body = CONSTANT.sub(lambda hit: names.setdefault(hit.group(), f"K{len(names)}"), body)
    # A constant beyond single precision becomes infinite; such cells are solved in double.
    constants = 'with np.errstate(over="ignore"):\n'
    constants += "".join(f"    {name} = np.{kind}({value})\n" for value, name in names.items())
    return HEADER.format(functions=functions, kind=kind) + constants + body


def _common(device: Part, access: Part | None, first: int, *, turned: bool) -> dict[str, str | int]:
    """Statements that load parameters and inputs, and the size of `shared`."""
    parts = {"device": device} if access is None else {"device": device, "access": access}
    loads, place = "", first
    for name, element in parts.items():
        loads += element.loads(name, place)
        place += len(element.numbers)
    lines = ("far", "near") if turned else ("near", "far")
    inputs = "".join(
        f"        {name} = work[{place}, lane]\n"
        for place, name in enumerate((*lines, "middle", "value"))
    )
    return {"shared": loads, "inputs": inputs, "size": place}


def _body(device: Part, access: Part | None, *, turned: bool) -> str:
    """The statements for one cell."""
    slopes = {
        "current": device.current(),
        "near": device.slope("d", device.near),
        "far": device.slope("d", device.far),
    }
    inner = "far" if access is None else "middle"
    call = f"        d = {device.call('device', 'near', inner)}\n"
    if access is None:
        return call + ALONE.format(**slopes)
    eliminated = SERIES.format(
        access_call=access.call("access", "middle", "far"),
        access_current=access.current(),
        drain=access.slope("a", access.near),
        source=access.slope("a", access.far),
        **slopes,
    )
    return call + eliminated + (TURNED if turned else ALONG)
