"""Registered benchmark cases: run some or all of them, one JSON object per line.

A case is a module in this folder with a function `run(quick) -> dict` whose result has

    figures     what was measured, by name
    references  a list of other tools: name, version and the same figures from the same run
    ratios      figures put against references

A reference that is not installed belongs into the list all the same, as a row that says so
(`missing_reference`), so that a missing comparison is seen and never taken for a good one.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


Result = dict[str, Any]
Case = Callable[[bool], Result]

REGISTRY = Path(__file__).parent
SECTIONS = {"figures": dict, "references": list, "ratios": dict}


class UnknownCaseError(Exception):
    """A case was asked for that is not registered."""


def case_names(registry: Path = REGISTRY) -> list[str]:
    """The registered cases: every module of the folder that has a `run` function."""
    own = {"run", "__init__"}
    return sorted(path.stem for path in registry.glob("*.py") if path.stem not in own)


def load_case(name: str, registry: Path = REGISTRY) -> Case:
    """The `run` function of a case.

    Raises:
        UnknownCaseError: there is no such case.
    """
    known = case_names(registry)
    if name not in known:
        there = ", ".join(known) or "none yet"
        raise UnknownCaseError(f"unknown case `{name}`; registered cases: {there}")
    return importlib.import_module(f"benchmarks.{name}").run


def missing_reference(name: str, how: str) -> Result:
    """The row of a reference that could not be measured, and how to get it."""
    return {"name": name, "version": None, "missing": how}


def machine() -> Result:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    """The processor's name as Linux gives it, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def row(name: str, case: Case, quick: bool) -> Result:
    """The finished row of one case.

    Raises:
        TypeError: the case returned something else than figures, references and ratios.
    """
    result = case(quick)
    for section, kind in SECTIONS.items():
        if not isinstance(result.get(section), kind):
            raise TypeError(f"case `{name}`: `{section}` is not a {kind.__name__}")
    about = {"case": name, "quick": quick}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return {**about, **result, "machine": machine(), "when": when}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that are named, or all; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bench", description="Run registered benchmark cases.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all registered ones by default")
    parser.add_argument("--quick", action="store_true", help="smaller, for a first look")
    parser.add_argument("--list", action="store_true", help="print the registered cases")
    options = parser.parse_args(arguments)
    if options.list:
        print(*case_names(), sep="\n")
        return 0
    try:
        cases = {name: load_case(name) for name in options.cases or case_names()}
    except UnknownCaseError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    for name, case in cases.items():
        print(json.dumps(row(name, case, options.quick)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
