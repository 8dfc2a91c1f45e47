"""The compiled loop that takes a 1T1R cell through one pulse.

While a pulse is flat, the cell is one differential equation for its state s and one algebraic
equation for the node m between device and transistor:

    te ── device(s) ── m ── access transistor ── sl         ds/dt = r(s),   I_device = I_transistor

Both come from the compiled Verilog-A. The rate r depends exponentially on the state, so time steps
would have to follow many decades. Here the *state* is stepped and time is summed up: along one step
ln|r| is the cubic through its values and slopes at both ends (the exact derivatives of the compiled
model give the slopes), and the time that the step takes is the integral of 1/r. A pulse in which
nothing moves costs one evaluation, a whole SET some tens. The end of the pulse falls inside a step
and is found by inverting the same integral.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np

from compact_models import NumbaKernel
from compact_models.errors import InputError


LONGEST_STEP = 0.1  # of the state, in units of its scale
SHORTEST_STEP = 2e-5  # steps this short are taken whatever the rate does: a corner of the model
NEGLIGIBLE = 1e-9  # change of the state that is not worth a second evaluation
CURVATURE = 0.15  # allowed departure of ln|r| from a straight line in the middle of a step
SMOOTHNESS = 0.02  # allowed disagreement between the end slopes and the end values of ln|r|
MAX_STEPS = 2000
NODE_TOLERANCE = 1e-5  # [V]; the first-order correction that follows leaves its square
MAX_NODE_STEPS = 80


@numba.njit(error_model="numpy")
def _log_mean(first: float, second: float, length: float) -> float:
    """Time for a length when ln|r| is straight between both rates."""
    bend = np.log(second / first)
    if abs(bend) < 1e-6:
        return length / first * (1.0 - 0.5 * bend)
    return length / first * (1.0 - np.exp(-bend)) / bend


@numba.njit(error_model="numpy")
def _length_within(first: float, second: float, length: float, time: float) -> float:
    """Length covered in a time that is shorter than that of `_log_mean`."""
    bend = np.log(second / first)
    z = bend * time * first / length
    if abs(bend) < 1e-6 or abs(z) < 1e-12:
        return time * first
    return -np.log1p(-min(z, 1.0 - 1e-15)) / bend * length


@numba.njit(error_model="numpy")
def _reach(rate: float, slope: float, time: float) -> float:
    """Length that the law r = rate * exp(slope * ds) covers in a time; inf when it runs away."""
    z = slope * rate * time
    if abs(z) < 1e-9:
        return abs(rate * time)
    if z >= 1.0:
        return np.inf
    return abs(np.log1p(-z) / slope)


_RESPOND = """
def respond(m, te, vg, sl, state, {p}):
    low, high = min(te, sl), max(te, sl)
    if not low <= m <= high:
        m = 0.5 * (low + high)
    for _ in range({max_node_steps}):
        d = device(te, m, state, {p})
        t = transistor(m, vg, sl, 0.0)
        excess = d[1] + t[0]
        if excess > 0.0:
            high = m
        else:
            low = m
        change = -excess / (d[{i_m}] + t[{t_m}])
        following = m + change
        if not low <= following <= high:
            following = 0.5 * (low + high)
        change = following - m
        m = following
        if abs(change) <= {node_tolerance} or high - low <= 1e-12:
            break
    drag = -d[{i_s}] / (d[{i_m}] + t[{t_m}])
    rate = -d[2] - d[{r_m}] * change
    return m, d[0] + d[{i_te_m}] * change, rate, -d[{r_s}] - d[{r_m}] * drag
"""

_ADVANCE = """
def advance(te, vg, sl, state, duration, {p}):
    scale = {scale!r}
    drop = abs(te - sl)
    left, energy, longest = duration, 0.0, {longest} * scale
    m, current, rate, gain = respond(te, te, vg, sl, state, {p})
    for _ in range({max_steps}):
        if not abs(rate) * left > {negligible} * scale:
            return state + rate * left, energy + drop * abs(current) * left
        slope = gain / rate
        step = min(longest, max(reach(rate, slope, left), {negligible} * scale))
        if rate < 0.0:
            step = -step
        m_1, current_1, rate_1, gain_1 = respond(m, te, vg, sl, state + step, {p})
        forced = abs(step) <= {shortest} * scale
        if not rate_1 * rate > 0.0:
            if forced:
                return state, energy + drop * abs(current) * left
            longest = 0.5 * abs(step)
            continue
        slope_1 = gain_1 / rate_1
        rise = np.log(rate_1 / rate)
        bend = 0.125 * (slope - slope_1) * step
        rough = abs(rise - 0.5 * (slope + slope_1) * step)
        if not forced and not (abs(bend) <= {curvature} and rough <= {smoothness}):
            longest = 0.5 * abs(step)
            continue
        middle = rate * np.exp(0.5 * rise + (0.0 if forced else bend))
        first = log_mean(rate, middle, 0.5 * step)
        both = first + log_mean(middle, rate_1, 0.5 * step)
        # Either half of the step has its own time and, in its middle, its own power.
        power, gained = drop * abs(current), drop * (abs(current_1) - abs(current))
        if left <= first:
            half = length_within(rate, middle, 0.5 * step, left)
            return state + half, energy + left * (power + 0.5 * half / step * gained)
        energy += first * (power + 0.25 * gained)
        if left <= both:
            half = length_within(middle, rate_1, 0.5 * step, left - first)
            mean = power + (0.5 + 0.5 * half / step) * gained
            return state + 0.5 * step + half, energy + (left - first) * mean
        energy += (both - first) * (power + 0.75 * gained)
        left, state = left - both, state + step
        m, current, rate, gain = m_1, current_1, rate_1, gain_1
        longest = min({longest} * scale, 2.0 * abs(step))
    return state, energy
"""

_TABLE = """
def table(te, vg, sl, duration, states, parameters, energies):
    for i in range(states.shape[0]):
        states[i], energies[i] = advance(te[i], vg[i], sl[i], states[i], duration, {columns})
"""


def pulse_loop(device: NumbaKernel, transistor: NumbaKernel, scale: float) -> Callable[..., None]:
    """Compile the loop over cells for one device and one access transistor.

    Args:
        device: kernel of a two-terminal model with one state; what it leaves as parameters is given
            per cell.
        transistor: kernel of the ports d, g, s, b without parameters.
        scale: natural size of the state, in its unit.

    Returns:
        table(te, vg, sl, duration, states, parameters, energies): voltages `[cells]` [V], duration
        [s], parameters `[names, cells]`; advances `states` `[cells]` in place and writes the
        energies that the pulse's source gave [J]. It releases the GIL.

    Raises:
        InputError: the device has another number of terminals or states.
    """
    if len(device.unknowns) != 3 or len(device.q_pattern) != 1:
        raise InputError(
            f"{device.name} has the unknowns {', '.join(device.unknowns)}; pulses can be computed "
            "for two terminals and one state; use a model such as rram_gap"
        )
    space: dict[str, Any] = {
        "np": np,
        "device": device.function,
        "transistor": transistor.function,
        "reach": _reach,
        "log_mean": _log_mean,
        "length_within": _length_within,
    }
    fields = _places(device, transistor) | {
        "p": ", ".join(f"p{k}" for k in range(len(device.parameters))),
        "columns": ", ".join(f"parameters[{k}, i]" for k in range(len(device.parameters))),
        "scale": scale,
        "longest": LONGEST_STEP,
        "shortest": SHORTEST_STEP,
        "negligible": NEGLIGIBLE,
        "curvature": CURVATURE,
        "smoothness": SMOOTHNESS,
        "max_steps": MAX_STEPS,
        "node_tolerance": NODE_TOLERANCE,
        "max_node_steps": MAX_NODE_STEPS,
    }
    for name, text in (("respond", _RESPOND), ("advance", _ADVANCE), ("table", _TABLE)):
        exec(compile(text.format(**fields), f"<{device.name} {name}>", "exec"), space)
        space[name] = numba.njit(error_model="numpy", nogil=True)(space[name])
    return space["table"]


def _places(device: NumbaKernel, transistor: NumbaKernel) -> dict[str, int]:
    """Where the derivatives stand in the flat tuples of both kernels."""

    def place(kernel: NumbaKernel, row: int, col: int) -> int:
        return 2 * len(kernel.residuals) + _index(kernel.f_pattern, (row, col))

    return {
        "i_m": place(device, 1, 1),
        "i_s": place(device, 1, 2),
        "i_te_m": place(device, 0, 1),
        "r_m": place(device, 2, 1),
        "r_s": place(device, 2, 2),
        "t_m": place(transistor, 0, 0),
    }


def _index(pattern: Sequence[tuple[int, int]], entry: tuple[int, int]) -> int:
    return list(pattern).index(entry)
