"""Fitting the laws of a tile's periphery to reads over time in SPICE.

The twins say the form of every law and already most of its numbers. What is fitted is little, so a
few sequences are enough:

    sensing    offset, gain and how fast it settles, to the sampled outputs
    converter  offset and gain, so that voltages lie between the transitions of the codes they gave
    energy     one factor per feature and block
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import least_squares
from torch import Tensor

from cosim.read_sequences import ReadSequences
from cosim.surrogate.base import Surrogate
from cosim.surrogate.certificate import Provenance
from cosim.surrogate.converter_law import ConverterLaw
from cosim.surrogate.energy_model import EnergyModel
from cosim.surrogate.sensing_law import SensingLaw, scaled
from cosim.surrogate.tile_certificate import TileCertificate, tile_errors, whole_reads
from cosim.surrogate.tile_model import TileModel, Waiting
from netlists.specs import TileSpec


# In codes: below it a residual does not matter. The simulator's tolerances are of this size.
NOISE = 0.03
# How far a fitted number may go for one unit of chi-squared: offset [codes], gain, and the
# logarithms of the settling's resistance and bandwidth.
SPREADS = np.array([1.0, 0.02, 0.3, 0.2])
# The same for the converter: offset [codes], gain.
CONVERTER_SPREADS = np.array([0.3, 0.01])


@dataclass(frozen=True)
class TileFit:
    """A fitted surrogate of a tile with its certificate.

    Attributes:
        model: the surrogate, float64.
        certificate: its errors on held-out sequences.
    """

    model: TileModel
    certificate: TileCertificate


def fit_tile(
    spec: TileSpec,
    line: Surrogate,
    reads: ReadSequences,
    provenance: Provenance,
    held_out: float = 0.4,
    seed: int = 0,
) -> TileFit:
    """Fit the laws of a tile's periphery and certify the whole.

    Args:
        spec: the tile, with a read-out.
        line: surrogate of its column currents, float64.
        reads: sequences of reads in SPICE, at least two.
        provenance: where they came from.
        held_out: share of the sequences kept for the certificate.
        seed: of the split.

    Raises:
        ShapeError: fewer than two sequences.
    """
    held_in, unseen = reads.split(1.0 - held_out, seed)
    model = fitted_laws(TileModel(spec, line), held_in)
    certificate = TileCertificate(provenance, len(held_in), tile_errors(model, unseen))
    return TileFit(model, certificate)


def fitted_laws(start: TileModel, reads: ReadSequences) -> TileModel:
    """A tile's surrogate with the laws of its periphery fitted to all of some reads."""
    known = _Known.of(start, reads)
    sensing = _fit_sensing(start, known, reads)
    model = TileModel(start.spec, start.line, sensing, start.converter)
    converter = model.converter
    if converter is not None:
        converter = _fit_converter(converter, known.taken(model), reads)
    model = TileModel(start.spec, start.line, sensing, converter)
    with torch.no_grad():
        settled = sensing(known.currents)
        settling = model.settling_time(torch.from_numpy(reads.inputs), settled, known.loading)
    waiting = Waiting.fit(settling.numpy().ravel(), reads.latency.ravel())
    return TileModel(start.spec, start.line, sensing, converter, _fit_energy(model, reads), waiting)


@dataclass(frozen=True)
class _Known:
    """What does not change with the laws.

    Attributes:
        currents: of the lines as the sensing counts them [A].
        loading: conductance of every line's cells [S].
    """

    currents: Float[Tensor, "sequences reads cols"]
    loading: Float[Tensor, "sequences one cols"]

    @classmethod
    def of(cls, model: TileModel, reads: ReadSequences) -> _Known:
        X, G = torch.from_numpy(reads.inputs), torch.from_numpy(reads.conductance)
        with torch.no_grad():
            found = [model.line_currents(x, g).flatten(-3, -2) for x, g in zip(X, G, strict=True)]
        return cls(torch.stack(found), G.sum(-2)[:, None, :])

    def at(self, model: TileModel, sampled: bool) -> Float[Tensor, "sequences reads cols"]:
        """Outputs of the amplifiers when they are sampled, or when the converters look [V]."""
        with torch.no_grad():
            settled = model.sensing(self.currents)
            return model.outputs_after(settled, self.loading, sampled)

    def taken(self, model: TileModel) -> Float[Tensor, "sequences reads cols"]:
        """Voltages that the converters see [V]."""
        return self.at(model, sampled=False)


def _unit(model: TileModel, reads: ReadSequences) -> float:
    """Volts that count as one code."""
    if model.converter is not None:
        return model.converter.adc.lsb
    return float(np.ptp(reads.sensed)) / 64.0


def _fit_sensing(start: TileModel, known: _Known, reads: ReadSequences) -> SensingLaw:
    """Offset, gain and settling from what was sampled."""
    unit = _unit(start, reads)
    free = len(SPREADS) if start.sensing.settling.remembers else 2

    def law(theta: Float[np.ndarray, " numbers"]) -> SensingLaw:
        step = np.zeros(len(SPREADS))
        step[:free] = theta * SPREADS[:free]
        settling = start.sensing.settling
        if settling.remembers:
            settling = scaled(settling, float(np.exp(step[2])), float(np.exp(step[3])))
        return start.sensing.fitted(unit * float(step[0]), float(step[1]), settling)

    def residual(theta: Float[np.ndarray, " numbers"]) -> Float[np.ndarray, " residuals"]:
        model = TileModel(start.spec, start.line, law(theta), start.converter)
        error = known.at(model, sampled=True).numpy() - reads.sensed
        return np.concatenate([error.ravel() / (NOISE * unit), theta])

    return law(least_squares(residual, np.zeros(free)).x)


def _fit_converter(
    converter: ConverterLaw, taken: Float[Tensor, "sequences reads cols"], reads: ReadSequences
) -> ConverterLaw:
    """Offset and gain with which inputs lie between the transitions of their codes."""
    adc = converter.adc
    raw = reads.codes if converter.rising else adc.levels - 1 - reads.codes

    def law(theta: Float[np.ndarray, " numbers"]) -> ConverterLaw:
        step = theta * CONVERTER_SPREADS
        return converter.fitted(adc.lsb * float(step[0]), float(step[1]))

    def residual(theta: Float[np.ndarray, " numbers"]) -> Float[np.ndarray, " residuals"]:
        place = (law(theta).shifted(taken).numpy() - adc.low) / adc.lsb - raw
        below = np.where(raw > 0, np.maximum(-place, 0.0), 0.0)
        above = np.where(raw < adc.levels - 1, np.maximum(place - 1.0, 0.0), 0.0)
        return np.concatenate([(below + above).ravel() / NOISE, theta])

    return law(least_squares(residual, np.zeros(2)).x)


def _fit_energy(model: TileModel, reads: ReadSequences) -> EnergyModel:
    """Factors of the features of every block."""
    whole = whole_reads(model, reads)
    values = []
    with torch.no_grad():
        for X, G in zip(reads.inputs, reads.conductance, strict=True):
            values.append(model.features_in_sequence(torch.from_numpy(X), torch.from_numpy(G)))
    rows = torch.stack(values).numpy()[:, whole]
    energy = {block: joule[:, whole].ravel() for block, joule in reads.energy.items()}
    return EnergyModel.fit(rows.reshape(-1, rows.shape[-1]), energy)
