"""Every testbench that the command line knows, by name."""

from __future__ import annotations

from cosim.bench.base import Bench
from cosim.bench.column_multiplexer import ColumnMultiplexerBench
from cosim.bench.converters import CONVERTERS, DRIVERS
from cosim.bench.current_mirror_readout import CurrentMirrorReadoutBench
from cosim.bench.integrator import IntegratorBench
from cosim.bench.latch_sense_amplifier import LatchSenseAmplifierBench
from cosim.bench.opamp import OpAmpBench, TwoStageOpAmpBench
from cosim.bench.precharge_sense_amplifier import PrechargeSenseAmplifierBench
from cosim.bench.ratio_dc import RatioDcBench
from cosim.bench.ratio_mac import RatioMacBench
from cosim.bench.ratio_transistors import RatioTransistorBench
from cosim.bench.sample_and_hold import SampleAndHoldBench
from cosim.bench.strongarm import StrongArmBench
from cosim.bench.tia import TiaBench
from cosim.bench.voltage_sense import VoltageSenseBench
from cosim.errors import InputError
from netlists.circuits.current_mirror_readout import CurrentMirrorReadout
from netlists.circuits.integrator import Integrator
from netlists.circuits.sample_and_hold import SampleAndHold
from netlists.circuits.source_follower import SourceFollower
from netlists.circuits.tia import Tia
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.circuits.voltage_sense import VoltageSense


BENCHES: tuple[Bench, ...] = (
    *CONVERTERS,
    *DRIVERS,
    ColumnMultiplexerBench(),
    CurrentMirrorReadoutBench(CurrentMirrorReadout(cascoded=False)),
    CurrentMirrorReadoutBench(),
    IntegratorBench(),
    IntegratorBench(Integrator(amplifier=TwoStageOpAmp())),
    LatchSenseAmplifierBench(),
    OpAmpBench(),
    PrechargeSenseAmplifierBench(),
    RatioDcBench(),
    RatioMacBench(),
    RatioTransistorBench(),
    SampleAndHoldBench(),
    SampleAndHoldBench(SampleAndHold(amplifier=TwoStageOpAmp())),
    StrongArmBench(),
    TiaBench(),
    TiaBench(Tia(amplifier=TwoStageOpAmp())),
    TwoStageOpAmpBench(),
    VoltageSenseBench(),
    VoltageSenseBench(VoltageSense(buffer=TwoStageOpAmp())),
    VoltageSenseBench(VoltageSense(buffer=SourceFollower())),
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
