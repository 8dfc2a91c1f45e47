"""How a tile's inputs become reads and its lines become outputs, as differentiable functions.

    X [samples, rows] ──volts──► [samples, reads, rows] ──tile──► currents [samples, reads, cols]
    lines [samples, conversions, cols] ──combined──► outputs [samples, outputs]

The same as `netlists.signal_chain.SignalChain`, in torch. Bits and pulses are steps of the input
code; backwards they count as the straight line through these steps, so that each read gets the
slope with which the sum of all reads follows the code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from netlists.signal_chain import SignalChain
from netlists.specs import TileSpec


@dataclass(frozen=True)
class Coding:
    """Inputs and outputs of one tile.

    Attributes:
        spec: the tile.
    """

    spec: TileSpec

    @property
    def reads(self) -> int:
        """Reads of the tile per input vector."""
        return SignalChain(self.spec).reads

    @property
    def conversions(self) -> int:
        """Conversions per input vector: one per bit of bit-serial inputs, one otherwise."""
        inputs = self.spec.inputs
        return inputs.bits if inputs is not None and inputs.coding == "bit_serial" else 1

    @property
    def sign(self) -> float:
        """-1 where cells draw their current out of the line."""
        readout = self.spec.readout
        return -1.0 if readout is not None and readout.draws else 1.0

    def volts(
        self, X: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*inputs samples reads rows"]:
        """Voltages of the input lines in every read, relative to the level of the lines [V]."""
        coding = self.spec.inputs
        if coding is None:
            return self.sign * X[..., None, :]
        full = self.sign * self.spec.drivers.read_voltage
        if coding.coding == "dac":
            return full / coding.largest * X[..., None, :]
        codes = X.detach().round()[..., None, :]
        if coding.coding == "bit_serial":
            weights = 2.0 ** torch.arange(coding.bits - 1, -1, -1).to(X)
            steps = torch.remainder(torch.floor(codes / weights[:, None]), 2.0)
        else:
            places = torch.arange(coding.largest).to(X)
            steps = (codes > places[:, None]).to(X)
        straight = X[..., None, :] / coding.largest
        return full * (steps + (straight - straight.detach()))

    def converted(
        self, currents: Float[Tensor, "*tiles samples reads cols"]
    ) -> Float[Tensor, "*tiles samples conversions cols"]:
        """Currents as the sensing takes them [A]: of every conversion, positive."""
        if self.spec.inputs is not None and self.spec.inputs.coding == "pulse_width":
            currents = currents.mean(-2, keepdim=True)
        return self.sign * currents

    def combined(
        self, lines: Float[Tensor, "*tiles samples conversions cols"]
    ) -> Float[Tensor, "*tiles samples outputs"]:
        """The tile's outputs from what each line gave in each conversion."""
        weights = 2.0 ** torch.arange(self.conversions - 1, -1, -1).to(lines)
        values = torch.tensordot(lines.movedim(-2, -1), weights, dims=1)
        used = [col for col in range(self.spec.cols) if col not in self.spec.dummy_columns]
        values = values[..., used]
        kind = "unsigned" if self.spec.readout is None else self.spec.readout.weights
        if kind == "unsigned":
            return values
        if kind == "differential":
            return values[..., 0::2] - values[..., 1::2]
        return values[..., :-1] - values[..., -1:]
