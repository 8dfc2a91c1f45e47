"""What is known about the error of a tile's surrogate: its codes, its energy, its latency.

Held-out sequences of reads in SPICE, on conductances and inputs that no fit has seen, against the
surrogate reading the same in sequence. Energy and latency are compared in the L2 norm over reads,
relative to the reference: a read with all inputs at zero costs almost nothing, and an error in it
is not worth its share of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from cosim.errors import DatasetError
from cosim.read_sequences import ReadSequences
from cosim.surrogate.certificate import Provenance
from cosim.surrogate.tile_model import TileModel


@dataclass(frozen=True)
class TileErrors:
    """A tile's surrogate against reads over time.

    Attributes:
        sequences: number of sequences.
        conversions: number of conversions, all lines together.
        codes_equal: share of the conversions with the same code; 1 without a converter.
        codes_within_one: share with a code that is at most one off; 1 without a converter.
        volts: root mean square error of the sampled amplifier outputs [V].
        volts_lsb: the same in codes of the converter; 0 without one.
        energy: relative L2 error of the energy of a read, per block and as "total".
        latency: relative L2 error of the latency of a read, of those that move an output by more
            than a code; in others only the converters' sampling disturbs the amplifiers.
        longest_latency: relative error of the longest latency, signed.
    """

    sequences: int
    conversions: int
    codes_equal: float
    codes_within_one: float
    volts: float
    volts_lsb: float
    energy: Mapping[str, float]
    latency: float
    longest_latency: float


@dataclass(frozen=True)
class TileCertificate:
    """The proof that a tile's surrogate carries.

    Attributes:
        provenance: where the reads came from.
        fit_sequences: number of sequences that the laws were fitted to.
        errors: on the held-out ones.
    """

    provenance: Provenance
    fit_sequences: int
    errors: TileErrors

    def table(self) -> str:
        """The certificate as lines of text for people."""
        return "\n".join(
            [
                f"reads over time    fitted on {self.fit_sequences} sequences",
                *error_lines(self.errors),
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """The certificate as plain values."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> TileCertificate:
        """The certificate that `to_dict` wrote.

        Raises:
            DatasetError: a field is missing or unknown.
        """
        try:
            return TileCertificate(
                Provenance(**data["provenance"]),
                int(data["fit_sequences"]),
                TileErrors(**data["errors"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(
                f"the certificate of a tile's surrogate has missing or unknown fields ({error}); "
                "it must be as `cosim fit` wrote it; fit the surrogate again"
            ) from error


def error_lines(errors: TileErrors) -> list[str]:
    """Errors as lines of text."""
    blocks = ", ".join(
        f"{block} {100 * share:.2f} %" for block, share in errors.energy.items() if block != "total"
    )
    return [
        f"judged on          {errors.conversions} conversions in {errors.sequences} sequences",
        f"codes              {100 * errors.codes_equal:.2f} % equal, "
        f"{100 * errors.codes_within_one:.2f} % within 1",
        f"sampled volts      {1e3 * errors.volts:.3g} mV rms, {errors.volts_lsb:.3f} codes",
        f"energy of a read   {100 * errors.energy['total']:.2f} % ({blocks})",
        f"latency            {100 * errors.latency:.2f} %, longest "
        f"{100 * errors.longest_latency:+.2f} %",
    ]


def tile_errors(model: TileModel, reads: ReadSequences) -> TileErrors:
    """A tile's surrogate, reading in sequence, against reads in SPICE."""
    found = [model.over_time(X, G) for G, X in zip(reads.conductance, reads.inputs, strict=True)]
    lines = np.stack([one.lines.double().cpu().numpy() for one in found])
    sensed = np.stack([one.sensed.double().cpu().numpy() for one in found])
    latency = np.stack([one.latency.double().cpu().numpy() for one in found])
    adc = None if model.converter is None else model.converter.adc
    off = np.abs(np.round(lines) - reads.codes)
    volts = float(np.sqrt(np.mean((sensed - reads.sensed) ** 2)))
    moved = _moved(reads.sensed, np.ptp(reads.sensed) / 64.0 if adc is None else adc.lsb)
    energy = {
        block: np.stack([one.energy[block].double().cpu().numpy() for one in found])
        for block in (found[0].energy or {})
    }
    return TileErrors(
        sequences=len(reads),
        conversions=int(off.size),
        codes_equal=1.0 if adc is None else float(np.mean(off == 0)),
        codes_within_one=1.0 if adc is None else float(np.mean(off <= 1)),
        volts=volts,
        volts_lsb=0.0 if adc is None else volts / adc.lsb,
        energy=_energy_errors(energy, reads.energy, whole_reads(model, reads)),
        latency=relative(latency[moved], reads.latency[moved]),
        longest_latency=float(latency.max() / max(reads.latency.max(), 1e-30) - 1.0),
    )


def _moved(
    sensed: Float[np.ndarray, "sequences reads cols"], unit: float
) -> Bool[np.ndarray, "sequences reads"]:
    """Which reads move an output by more than `unit` [V] against the read before."""
    steps = np.abs(np.diff(sensed, axis=1, prepend=sensed[:, :1])).max(-1)
    return steps > unit


def whole_reads(model: TileModel, reads: ReadSequences) -> slice:
    """The reads whose energy was measured to the end: an integrator's last one is cut off."""
    return slice(0, -1 if model.sensing.window is not None else reads.latency.shape[1])


def relative(found: Float[np.ndarray, "*reads"], reference: Float[np.ndarray, "*reads"]) -> float:
    """L2 norm of the error by that of the reference; zero where there is nothing."""
    size = float(np.linalg.norm(reference))
    return float(np.linalg.norm(found - reference)) / size if size > 0.0 else 0.0


def _energy_errors(
    found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], whole: slice
) -> dict[str, float]:
    if not found:
        return {"total": float("nan")}
    errors = {
        block: relative(joule[:, whole], reference[block][:, whole])
        for block, joule in found.items()
    }
    total = np.sum([found[block] for block in found], axis=0)[:, whole]
    wanted = np.sum([reference[block] for block in found], axis=0)[:, whole]
    return {**errors, "total": relative(total, wanted)}
