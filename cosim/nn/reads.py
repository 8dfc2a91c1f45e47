"""The reads that make one product: phases for both signs, and one read per bit where inputs are so.

    x = sum over reads of factor_r * part_r,      parts from 0 to 1, driven one after another

Activations of both signs are read in two phases, first the positive ones, then the negative ones.
Bit-serial codes are read bit by bit. Each read is converted, and the factors are applied digitally;
the reads of a pulse-width code are one read of several times, so their charge is added before it is
converted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.nn.converters import Dac
from cosim.nn.mapping_cells import digit_weights
from cosim.nn.patches import Inputs, Patches
from cosim.nn.quantize import straight_through


@dataclass(frozen=True)
class Reads:
    """The parts that inputs are read in.

    Attributes:
        parts: what is driven, with all reads along the vectors' axis; patches are driven once.
        phases: 2 if both signs are read, or 1.
        bits: reads of a phase.
        charge: whether the reads of a phase are added before conversion.
    """

    parts: Inputs
    phases: int
    bits: int
    charge: bool

    @staticmethod
    def of(unit: Inputs, signed: bool, dac: Dac | None) -> Reads:
        """The reads of inputs from -1 (or from 0) to 1 that are on the grid of the codes.

        Patches that are not cut out are read once, as they are.
        """
        if isinstance(unit, Patches):
            return Reads(unit, 1, 1, charge=False)
        phases = torch.stack([unit.clamp_min(0), (-unit).clamp_min(0)], -3) if signed else unit
        if dac is None or dac.reads == 1:
            parts = phases.flatten(-3, -2) if signed else phases
            return Reads(parts, 2 if signed else 1, 1, charge=False)
        bits = _bits(phases if signed else phases[..., None, :, :], dac)
        return Reads(
            bits.flatten(-4, -2), 2 if signed else 1, dac.bits, dac.coding == "pulse_width"
        )

    def charges(
        self, currents: Float[Tensor, "*tiles reads_vectors lines"]
    ) -> Float[Tensor, "*tiles conversions lines"]:
        """What is converted: the reads as they are, or those of each phase added."""
        if not self.charge:
            return currents
        reads = currents.unflatten(-2, (self.phases, self.bits, -1))
        return _weighted(reads, self.bits, -3).flatten(-3, -2)

    def joined(
        self, outputs: Float[Tensor, "*chips conversions out_features"]
    ) -> Float[Tensor, "*chips vectors out_features"]:
        """The outputs of all conversions added with their factors."""
        bits = 1 if self.charge else self.bits
        if bits > 1:
            outputs = _weighted(outputs.unflatten(-2, (self.phases, bits, -1)), bits, -3)
        elif self.phases > 1:
            outputs = outputs.unflatten(-2, (self.phases, -1))
        else:
            return outputs
        if self.phases == 1:
            return outputs.squeeze(-3)
        return outputs[..., 0, :, :] - outputs[..., 1, :, :]


def _bits(unit: Tensor, dac: Dac) -> Float[Tensor, "... phases bits vectors in_features"]:
    """Bits of codes, the most significant first; the gradient takes each for the whole input."""
    code = (unit.detach() * dac.largest).round().long()
    bits = torch.stack(
        [code.bitwise_right_shift(k).bitwise_and(1) for k in reversed(range(dac.bits))], -3
    )
    return straight_through(unit[..., None, :, :].expand(bits.shape), bits.to(unit))


def _weighted(reads: Tensor, bits: int, axis: int) -> Tensor:
    """Reads along an axis added with the weights of their bits."""
    factors = torch.tensor(digit_weights(bits, 2), dtype=reads.dtype, device=reads.device)
    return torch.tensordot(reads, factors, dims=([axis], [0]))
