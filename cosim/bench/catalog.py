"""Every testbench that the command line knows, by name."""

from __future__ import annotations

from cosim.bench.base import Bench
from cosim.bench.opamp import OpAmpBench, TwoStageOpAmpBench
from cosim.bench.strongarm import StrongArmBench
from cosim.errors import InputError


BENCHES: tuple[Bench, ...] = (
    OpAmpBench(),
    StrongArmBench(),
    TwoStageOpAmpBench(),
)


def find_bench(name: str) -> Bench:
    """The bench of this name.

    Raises:
        InputError: no bench is called so.
    """
    known = {bench.name: bench for bench in BENCHES}
    if name not in known:
        raise InputError(f"the block `{name}` is unknown; known are {', '.join(sorted(known))}")
    return known[name]
