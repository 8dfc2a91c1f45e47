"""From ngspice's words to a status.

ngspice tells failure only in its log, among notes that mean nothing: an operating point that needed
gmin stepping prints dozens of warnings and succeeds. So the log is read in two steps: has the run
failed at all (`load_failed`, `run_failed`), and only then, which class of failure is it (the first
rule that matches, from the most specific to the most general).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.results import OK, Code, Status


LOG_LIMIT = 8000  # characters kept: a run that fails to converge can print megabytes

# Beyond this a voltage or current is an artefact: ngspice answers 1/0 with about 1e32.
_LARGEST_CREDIBLE = 1e20


@dataclass(frozen=True)
class _Rule:
    """A class of failure and how it shows in the log."""

    code: Code
    pattern: re.Pattern[str]


def _rule(code: Code, pattern: str) -> _Rule:
    return _Rule(code, re.compile(rf"^.*(?:{pattern}).*$", re.IGNORECASE | re.MULTILINE))


_LOAD_RULES = (
    _rule(
        Code.MISSING_INCLUDE, r"could not find (?:include|library) file|library file .* not foun"
    ),
    _rule(
        Code.UNKNOWN_MODEL,
        r"unknown subckt|could not find a valid modelname|incorrect model type|"
        r"model type mismatch|unable to find definition of model",
    ),
    _rule(
        Code.SYNTAX,
        r"syntax error|no such function|undefined parameter|cannot compute substitute|"
        r"not enough parameters|out of range or the wrong type|unknown parameter|"
        r"is not a valid .* instance line|unknown device type|no circuit loaded|"
        r"circuit not parsed|incomplete or empty netlist",
    ),
    _rule(Code.UNKNOWN_MODEL, r"can't find model"),
    _rule(Code.OTHER, r"^\s*error\b|fatal error"),
)

_RUN_RULES = (
    _rule(Code.NO_OUTPUT, r"no data saved for|no such vector|is not available or has zero length$"),
    _rule(Code.SYNTAX, r"no such device|is not in the circuit|no vectors currently active"),
    _rule(Code.DOMAIN, r"out of range for (?:ln|log|log10|sqrt|sinh|cosh|exp|pow|/|asin|acos)\b"),
    _rule(Code.SINGULAR, r"singular matrix:\s+check nodes? \S*#branch"),
    _rule(Code.FLOATING_NODE, r"singular matrix:\s+check node"),
    _rule(Code.SINGULAR, r"singular matrix"),
    _rule(Code.DOMAIN, r"out of range for"),
    _rule(Code.NO_CONVERGENCE, r"timestep too small; initial timepoint|OP:\s+timestep too small"),
    _rule(Code.TIME_STEP, r"TRAN:\s+timestep too small"),
    _rule(Code.NO_CONVERGENCE, r"iteration limit reached|no convergence|timestep too small"),
)

_BEGUN = "Doing analysis at TEMP"
_ABORTED = re.compile(r"simulation\(s\) aborted|no such device|analysis not run", re.IGNORECASE)
_RESCUED = re.compile(r"transient op finished successfully", re.IGNORECASE)
_SINGULAR = re.compile(r"^.*singular matrix.*$", re.IGNORECASE | re.MULTILINE)


def load_status(log: str) -> Status:
    """Whether a deck was accepted; where an analysis has begun, it was."""
    if _BEGUN in log:
        return OK
    return _first_match(_LOAD_RULES, log) or OK


def run_status(log: str, *, has_values: bool) -> Status:
    """How an analysis ended.

    Args:
        log: what it printed.
        has_values: whether the plot holds every output with at least one value.
    """
    if not has_values or _ABORTED.search(log):
        return _first_match((*_RUN_RULES, *_LOAD_RULES), log) or Status(
            Code.NO_OUTPUT if not log.strip() else Code.OTHER, _last_line(log)
        )
    singular = _SINGULAR.search(log)
    if singular and _RESCUED.search(log):
        # No DC solution exists; ngspice charged the node through its capacitors instead.
        return Status(Code.FLOATING_NODE, _clean(singular[0]))
    return OK


def values_status(vectors: Mapping[str, NDArray[Any]]) -> Status:
    """Whether values can be meant: ngspice reports success for a division by zero."""
    for name, values in vectors.items():
        if not np.all(np.abs(values) < _LARGEST_CREDIBLE):
            worst = values[np.argmax(np.abs(np.nan_to_num(values, nan=np.inf)))]
            return Status(Code.DOMAIN, f"{name} reached {worst:.3g}, as after a division by zero")
    return OK


def shortened(log: str) -> str:
    """A log without repetitions, at most `LOG_LIMIT` characters, the end kept."""
    lines = list(dict.fromkeys(_clean(line) for line in log.splitlines()))
    text = "\n".join(line for line in lines if line)
    return text if len(text) <= LOG_LIMIT else "…" + text[-LOG_LIMIT:]


def _first_match(rules: Iterable[_Rule], log: str) -> Status | None:
    for rule in rules:
        found = rule.pattern.search(log)
        if found:
            return Status(rule.code, _with_context(log, found))
    return None


def _with_context(log: str, found: re.Match[str]) -> str:
    """The matching line, with the line that ngspice quotes after it."""
    rest = log[found.end() :].strip().partition("\n")[0]
    line = _clean(found[0])
    follows = re.match(r"\s*in line|\s*from file", rest) or line.endswith((":", "line"))
    return f"{line} {_clean(rest)}" if follows and rest else line


def _last_line(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return _clean(lines[-1]) if lines else "ngspice gave neither values nor a reason"


def _clean(line: str) -> str:
    return " ".join(line.split())[:300]
