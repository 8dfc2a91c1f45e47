"""The functions that Verilog-A knows, and the ones that are refused on purpose.

One table per kind, read by the checks (does it exist, how many arguments) and by the execution
(what does it compute).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MathFunction:
    """A function of numbers: the operation it is, and how many arguments it takes."""

    op: str
    arguments: int
    keeps_integers: bool = False


MATH: dict[str, MathFunction] = {
    **{
        name: MathFunction(name, 1)
        for name in (
            "exp", "limexp", "ln", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
            "cosh", "tanh", "asinh", "acosh", "atanh", "floor", "ceil",
        )
    },
    "log": MathFunction("log10", 1),
    "log10": MathFunction("log10", 1),
    "pow": MathFunction("pow", 2),
    "hypot": MathFunction("hypot", 2),
    "atan2": MathFunction("atan2", 2),
    "abs": MathFunction("abs", 1, keeps_integers=True),
    "min": MathFunction("min", 2, keeps_integers=True),
    "max": MathFunction("max", 2, keeps_integers=True),
}  # fmt: skip

ANALOG_OPERATORS: dict[str, tuple[int, int]] = {
    "ddt": (1, 2),
    "idt": (1, 4),
    "idtmod": (1, 5),
    "ddx": (2, 2),
    "white_noise": (1, 2),
    "flicker_noise": (2, 3),
    "noise_table": (1, 2),
    "noise_table_log": (1, 2),
    "analysis": (1, 99),
}
"""Least and greatest number of arguments."""

SYSTEM_VALUES: dict[str, tuple[int, int]] = {
    "$temperature": (0, 0),
    "$vt": (0, 1),
    "$abstime": (0, 0),
    "$realtime": (0, 1),
    "$simparam": (1, 2),
    "$mfactor": (0, 0),
    "$param_given": (1, 1),
    "$port_connected": (1, 1),
    "$limit": (1, 99),
    "$random": (0, 2),
    "$arandom": (0, 2),
    "$urandom": (0, 2),
    "$rdist_normal": (3, 4),
    "$rdist_uniform": (3, 4),
    "$rdist_exponential": (2, 3),
    "$rdist_poisson": (2, 3),
    "$rdist_chi_square": (2, 3),
    "$rdist_t": (2, 3),
    "$rdist_erlang": (3, 4),
    "$dist_normal": (3, 3),
    "$dist_uniform": (3, 3),
    "$dist_exponential": (2, 2),
    "$dist_poisson": (2, 2),
    "$dist_chi_square": (2, 2),
    "$dist_t": (2, 2),
    "$dist_erlang": (3, 3),
    "$rtoi": (1, 1),
    "$itor": (1, 1),
    **{f"${name}": (math.arguments, math.arguments) for name, math in MATH.items()},
}

DROPPED_CALLS = frozenset(
    {
        "$strobe", "$display", "$write", "$monitor", "$debug", "$info", "$warning", "$error",
        "$fatal", "$finish", "$stop", "$discontinuity", "$strobe_once", "$monitoron", "$monitoroff",
        "$fstrobe", "$fdisplay", "$fwrite", "$fmonitor", "$fclose", "$fflush",
    }
)  # fmt: skip
"""Statements without an effect on the equations: messages, hints to a simulator's step control."""


@dataclass(frozen=True)
class Refusal:
    """Why something is outside of the subset, and what does the job inside of it."""

    code: str
    why: str
    instead: str


_EVENT = Refusal(
    "event",
    "it acts at an instant that only a simulator's event queue knows; a subcircuit has none",
    "write the rate of change instead, for example `x = idt(rate, x0)` with a smooth `rate`",
)
_FILTER = Refusal(
    "filter",
    "it needs the history of a signal, which is not part of f(x) + dq(x)/dt",
    "write the filter as differential equations with idt() or an internal node and ddt()",
)
_TABLE = Refusal(
    "table",
    "the compiler reads no data files, and an interpolation table has no exact derivatives",
    "fit the data with a formula",
)
_FILE = Refusal(
    "file-access",
    "a compact model must not depend on files of the machine that runs it",
    "pass the numbers as parameters",
)

START_EVENTS = frozenset({"initial_step", "initial_instance", "initial_model"})
"""Events at the start of a simulation; the last two are those of ADMS."""

REFUSED_EVENTS: dict[str, Refusal] = dict.fromkeys(
    ("cross", "above", "timer", "final_instance"), _EVENT
)

REFUSED_CALLS: dict[str, Refusal] = {
    "cross": _EVENT,
    "above": _EVENT,
    "timer": _EVENT,
    "last_crossing": _EVENT,
    "transition": Refusal(
        "transition",
        "it ramps a discrete signal over time, which needs the event queue of a simulator",
        "smooth the signal itself, for example with tanh((v - v_threshold)/width)",
    ),
    "slew": Refusal(
        "transition",
        "it limits the slope of a signal, which needs the signal's history",
        "add a state: `x = idt(max(min((target - x)/tau, rate_up), -rate_down), x0)`",
    ),
    "absdelay": Refusal(
        "delay",
        "a delayed signal is infinitely many states",
        "approximate the delay by a chain of first-order stages with idt()",
    ),
    "delay": Refusal(
        "delay",
        "a delayed signal is infinitely many states",
        "approximate the delay by a chain of first-order stages with idt()",
    ),
    **dict.fromkeys(
        ("laplace_zp", "laplace_zd", "laplace_np", "laplace_nd", "zi_zp", "zi_zd", "zi_np", "zi_nd",
         "ac_stim"),
        _FILTER,
    ),
    "$table_model": _TABLE,
    **dict.fromkeys(("$fopen", "$fscanf", "$fgets", "$fread", "$feof", "$sscanf", "$swrite",
        "$readmemh"), _FILE),
}  # fmt: skip
