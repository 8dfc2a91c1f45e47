r"""The energy of an inference: what the sources of the tiles deliver in all of its reads.

Every product of a network is a read of a tile, and goes through an engine. A meter around the
engine adds up, for every input vector V [V] on conductances G [S] with column currents I [A],

    drivers   T sum_r V_r I_r         I_r, the current of a row, lies between two bounds that follow
                                      from the column currents (`cosim.surrogate.energy_model`);
                                      their mean is taken
    lines     sum_r C_row V_r^2       charging the capacitance of the input lines from rest
    level     T U sum_j I_j           from the level U that the output lines are held at
    rows      one driver's own energy per row
    sensing   T supply I_amplifier    per column
    adc       switching of a charge-redistribution converter's capacitors (`surrogate.switching`)
              and one comparator decision per bit; 2^bits - 1 decisions of a flash converter, 2^bits
              of a ramp                per column

with T the time of a read: the period of the converter, or `read_time` without one.

Not in it: digital logic (shift-and-add, activations, buffers, the converters' registers), the
generation of references and clocks, moving data between tiles, programming and leakage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float

from cosim.design.question import PeripherySpec
from cosim.nn import TileEngine
from cosim.surrogate.energy_model import FEATURES, ReadState, features
from cosim.surrogate.switching import switching_energy
from netlists.circuits.integrator import Integrator
from netlists.circuits.opamp import OpAmp
from netlists.circuits.sar_adc import SarAdc
from netlists.circuits.tia import Tia
from netlists.readout_spec import ReadoutSpec
from netlists.specs import TileSpec
from netlists.technology import Technology


BLOCKS = ("drivers", "lines", "level", "rows", "sensing", "adc")
# Current of the library's two-stage amplifier from its supply [A], measured at the nominal corner
# by `cosim block measure two_stage_opamp`; docs/circuit-figures.md.
TWO_STAGE_CURRENT = 450e-6
# As many input vectors of one task are metered; of more, evenly spaced ones stand for the rest.
MOST_METERED = 2048

Task = tuple[Float[np.ndarray, "rows cols"], Float[np.ndarray, "_ rows"]]


@dataclass(frozen=True)
class EnergyLaw:
    """What reads of a tile cost.

    Attributes:
        tile: its specification.
        periphery: what that does not hold.
    """

    tile: TileSpec
    periphery: PeripherySpec = field(default_factory=PeripherySpec)

    @property
    def read_time(self) -> float:
        """Time of one read [s]."""
        readout = self.tile.readout
        return self.periphery.read_time if readout is None else readout.period

    def energy(
        self,
        G: Float[np.ndarray, "rows cols"],
        V: Float[np.ndarray, "samples rows"],
        currents: Float[np.ndarray, "samples cols"],
    ) -> dict[str, float]:
        """Energy of each block, mean over the reads [J].

        Args:
            G: conductances [S].
            V: voltages of the rows, relative to the level of the lines [V].
            currents: of the columns [A].
        """
        readout = self.tile.readout
        level = 0.0 if readout is None else readout.level
        volts, amperes = torch.from_numpy(V).double(), torch.from_numpy(currents).double()
        nothing = torch.zeros_like(amperes)
        state = ReadState(
            volts=volts,
            currents=amperes,
            before=torch.zeros_like(volts),
            currents_before=amperes,
            seen=nothing,
            switching=nothing,
            restoring=nothing,
            rates=torch.ones(1, dtype=torch.float64),
            time=self.read_time,
            level=level,
        )
        values = features(state, torch.from_numpy(G).double()).mean(0).tolist()
        found = dict(zip(FEATURES, values, strict=True))
        row_capacitance = self.tile.cols * self.tile.wires.input_line_capacitance
        return {
            "drivers": found["cells"] + 0.5 * found["drop"],
            "lines": row_capacitance * found["lines"],
            "level": found["level"],
            "rows": self.tile.rows * self.periphery.row_energy,
            "sensing": self._amplifiers(),
            "adc": 0.0 if readout is None else self._conversions(readout, amperes),
        }

    def _amplifiers(self) -> float:
        readout = self.tile.readout
        if readout is None:
            return 0.0
        current = self.periphery.amplifier_current
        if current is None:
            sensing = readout.sensing
            amplified = isinstance(sensing, Tia | Integrator)
            linear = not amplified or isinstance(sensing.amplifier, OpAmp)
            current = 0.0 if linear else TWO_STAGE_CURRENT
        supply = readout.supply or Technology.load(readout.technology).supply
        return self.tile.cols * current * supply * self.read_time

    def _conversions(
        self, readout: ReadoutSpec, currents: Float[torch.Tensor, "samples cols"]
    ) -> float:
        """Energy of the converters of all columns, mean over the reads [J]."""
        adc = readout.adc
        if adc is None:
            return 0.0
        decisions = {"sar": adc.bits, "flash": adc.levels - 1}.get(adc.kind, adc.levels)
        joules = self.tile.cols * decisions * self.periphery.comparator_energy
        if isinstance(adc, SarAdc):
            volts = torch.from_numpy(np.clip(readout.volts(currents.numpy()), adc.low, adc.high))
            codes = torch.from_numpy(adc.ideal_codes(volts.numpy())).double()
            joules += float(switching_energy(adc, volts, codes).mean(0).sum())
        return joules


@dataclass
class Metered:
    """An engine that adds up what its reads cost.

    Attributes:
        engine: what answers.
        law: what a read costs.
        joules: so far, by block [J].
        reads: so far.
    """

    engine: TileEngine
    law: EnergyLaw
    joules: dict[str, float] = field(default_factory=lambda: dict.fromkeys(BLOCKS, 0.0))
    reads: int = 0

    def mvm_many(self, tasks: list[Task]) -> Sequence[Float[np.ndarray, "_ cols"]]:
        """Column currents [A], and a note of what they cost."""
        answers = self.engine.mvm_many(tasks)
        for (G, V), currents in zip(tasks, answers, strict=True):
            every = -(-len(V) // MOST_METERED)
            mean = self.law.energy(G, V[::every], np.asarray(currents)[::every])
            for block, joule in mean.items():
                self.joules[block] += joule * len(V)
            self.reads += len(V)
        return answers
