"""Circuits and observations that several tests of the ngspice engine use."""

import os
import random
from pathlib import Path

import pytest

from cosim.ngspice import DcSweep, Simulation


WORKER = "cosim.ngspice.worker"


def ladder(seed: int, sections: int = 60) -> Simulation:
    """A diode ladder, different for every seed, swept over 40 points: about 10 ms."""
    draw = random.Random(seed)
    lines = [f"ladder {seed}", "v1 n0 0 0", ".model dio d(is=1e-12)"]
    for k in range(sections):
        lines.append(f"r{k} n{k} n{k + 1} {draw.uniform(1, 100)!r}")
        lines.append(f"d{k} n{k + 1} 0 dio area={draw.uniform(0.5, 2)!r}")
    outputs = ("i(v1)", f"v(n{sections})")
    return Simulation("\n".join([*lines, ".end", ""]), DcSweep("v1", 0, 1, 0.025), outputs)


def simulator_processes() -> set[int]:
    """Process ids of the ngspice workers that this process has started."""
    return {pid for pid in _processes() if WORKER in _command(pid) and _parent(pid) == os.getpid()}


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="session")
def make_ladder():
    return ladder


@pytest.fixture(scope="session")
def find_simulators():
    return simulator_processes


@pytest.fixture(scope="session")
def seconds_used():
    return processor_seconds
