"""Sampled outputs: one chip out of many, one read out of many.

A surrogate gives the outputs of a perfect tile. What differs from chip to chip and from read to
read is drawn here by the laws of the device's card and of the periphery's twins:

    chip    every cell ages with its own exponent; amplifiers and converters have their mismatch
    read    every cell has its own noise: a line's current then has the deviation

                sigma_j^2 = sum_i (V_i sigma_ij (I_j / sum_i V_i G_ij)^2)^2

with sigma_ij the deviation of a conductance. The ratio of the line's current to that of ideal lines
is how much of an input reaches a cell, and its square, how much of a cell's change reaches the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from compact_models.card import Card
from compact_models.variability import Population, ReadNoise, stream
from cosim.surrogate.ageing import card_of, mean_aged
from cosim.surrogate.mismatch import ChipPeriphery


if TYPE_CHECKING:
    from cosim.surrogate.tile_model import TileModel


TINY = 1e-30


def sample(
    tile: TileModel,
    X: Float[Tensor, "samples rows"],
    G: Float[Tensor, "rows cols"],
    seed: int,
    chip: int | None = None,
    seconds: float = 0.0,
) -> Float[Tensor, "samples outputs"]:
    """Outputs of one read of one chip, settled; differentiable like the mean.

    Args:
        tile: the surrogate.
        X: inputs of the tile.
        G: conductances as they were programmed [S].
        seed: of the read: another one is another read.
        chip: seed of the chip; None for perfect periphery and mean ageing.
        seconds: since programming.

    Raises:
        CardError: time has passed, and the card has no law for it.
        InputError: the device has no card.
    """
    card = card_of(tile.spec)
    here = _aged(card, G, chip, seconds)
    raw = tile.read_currents(X, here)
    spread = conductance_spread(card, here.detach().double().cpu().numpy(), seconds)
    raw = raw + _noise(tile.coding.volts(X), here, raw, spread, seed)
    currents = tile.coding.converted(raw)
    volts, quantiser = tile.sensing(currents), None
    if chip is not None:
        typical = float(currents.detach().abs().mean())
        periphery = ChipPeriphery.draw(tile.readout, tile.spec.cols, chip, typical)
        transfer = tile.sensing.slope(currents.detach())
        volts = periphery.volts(volts, tile.sensing.rest, transfer, here.detach().sum(-2))
        quantiser = periphery.quantise
    return tile.coding.combined(tile.read_lines(volts, quantiser))


def conductance_spread(
    card: Card, conductance: Float[np.ndarray, "*shape"], seconds: float
) -> Float[np.ndarray, "*shape"]:
    """Standard deviation of a conductance from read to read [S]; zero without laws for it."""
    noise, laws = ReadNoise(Population(card, conductance.size, 0)), card.laws
    variance = np.zeros_like(conductance)
    if "read_noise" in laws:
        variance = noise.flicker_spread(conductance, seconds) ** 2
    if "telegraph_amplitude" in laws:
        share = card.number("telegraph_share")
        step = conductance * noise.telegraph_amplitude(conductance)
        variance = variance + share * (1.0 - share) * step**2
    return np.sqrt(variance)


def _aged(card: Card, G: Tensor, chip: int | None, seconds: float) -> Tensor:
    """Conductances of a chip at a time, with the gradient of the programmed ones."""
    if not seconds:
        return G
    programmed = G.detach().double().cpu().numpy()
    if chip is None:
        found = mean_aged(card, programmed, seconds)
    else:
        found = Population(card, programmed.size, chip).aged(programmed.ravel(), seconds)
    ratio = found.reshape(programmed.shape) / np.maximum(programmed, TINY)
    return G * torch.from_numpy(ratio).to(G)


def _noise(
    volts: Float[Tensor, "samples reads rows"],
    G: Float[Tensor, "rows cols"],
    currents: Float[Tensor, "samples reads cols"],
    spread: Float[np.ndarray, "rows cols"],
    seed: int,
) -> Float[Tensor, "samples reads cols"]:
    """What one read differs by from the mean [A]."""
    if not spread.any():
        return torch.zeros_like(currents)
    with torch.no_grad():
        ideal = volts @ G
        kept = torch.where(ideal.abs() > TINY, currents / ideal, torch.zeros_like(ideal))
        variance = volts.square() @ torch.from_numpy(spread).to(G).square()
        normal = stream(seed, "read of a tile").standard_normal(tuple(currents.shape))
        return kept.square() * variance.sqrt() * torch.from_numpy(normal).to(currents)
