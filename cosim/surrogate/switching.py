r"""What the references of a charge-redistribution converter deliver in a conversion.

The bottom plates b of the capacitors C follow the input v while it is sampled, and then one of two
references each, trial by trial; the top plate, common to all, floats and moves by what its share of
the capacitors does. In every step a reference at the potential b delivers the charge that flows
into the plates it holds, so a trial costs

    E = sum_k C_k b_k (b_k - b_k before) - (top - top before) sum_k C_k b_k

and the top plate's own level delivers level C_total (v before - v) when the next input is sampled.
Codes follow from the input, so the energy of a conversion is a function of the input alone.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from netlists.circuits.sar_adc import SarAdc


def switching_energy(
    adc: SarAdc, volts: Float[Tensor, "*shape"], codes: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Energy that the references deliver while a code is searched [J].

    Args:
        adc: the converter.
        volts: its inputs [V].
        codes: as it gives them, from the low end on.
    """
    weights = 2.0 ** torch.arange(adc.bits).to(volts)
    capacitors = adc.unit_capacitance * torch.cat([weights[:1], weights])
    bits = torch.remainder(torch.floor(codes.detach()[..., None] / weights), 2.0)
    plates = volts[..., None].expand(*volts.shape, adc.bits + 1)
    energy = torch.zeros_like(volts)
    for trial in range(adc.bits + 1):
        tried = adc.bits - 1 - trial
        kept = bits * (torch.arange(adc.bits).to(volts) > tried)
        if tried >= 0:
            kept = kept.clone()
            kept[..., tried] = 1.0
        held = adc.low + (adc.high - adc.low) * torch.cat(
            [torch.zeros_like(kept[..., :1]), kept], -1
        )
        moved = ((held - plates) * capacitors).sum(-1) / capacitors.sum()
        charge = capacitors * held
        energy = energy + (charge * (held - plates)).sum(-1) - moved * charge.sum(-1)
        plates = held
    return energy


def restoring_energy(
    adc: SarAdc, volts: Float[Tensor, "*shape"], before: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Energy that the level of the top plates delivers when an input follows another [J]."""
    return adc.common * adc.levels * adc.unit_capacitance * (before - volts)
