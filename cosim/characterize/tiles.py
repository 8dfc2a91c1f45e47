"""The surrogate of a whole tile from a dataset, and fresh reads over time to hold against it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cosim.characterize.dataset import Dataset
from cosim.characterize.fitting import provenance_of
from cosim.surrogate.base import Surrogate
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin
from cosim.surrogate.temperature import TemperatureTable
from cosim.surrogate.tile_certificate import TileCertificate, TileErrors, error_lines
from cosim.surrogate.tile_fit import fit_tile
from cosim.surrogate.tile_model import TileModel
from netlists.specs import TileSpec


# Errors on fresh reads may be this many times those of the certificate: both are of few sequences.
MARGIN = 2.0
# Relative errors below which nothing fails, whatever the certificate says.
ENERGY_FLOOR, LATENCY_FLOOR = 0.01, 0.03


def tile_of(
    dataset: Dataset, line: Surrogate, held_out: float = 0.4, seed: int = 0
) -> tuple[TileModel | None, TileCertificate | None]:
    """The surrogate of a dataset's tile with its periphery; None for a tile without a read-out.

    Its laws are fitted to the reads over time that the dataset holds, and judged on others of
    them. Without any they are those of the behavioural twins, and nothing is certified.

    Args:
        dataset: of the tile.
        line: surrogate of its column currents, float64.
        held_out: share of the sequences kept for the certificate.
        seed: of the split.

    Raises:
        ShapeError: one sequence only.
    """
    spec = dataset.spec
    if spec.readout is None or spec.external is not None:
        return None, None
    reads = dataset.transients()
    if reads is None:
        return TileModel(spec, line), None
    found = fit_tile(spec, line, reads, provenance_of(dataset, seed), held_out, seed)
    return found.model, found.certificate


def temperatures_of(spec: TileSpec, line: Surrogate) -> TemperatureTable | None:
    """The cells of a tile at other temperatures; None where they have no closed form."""
    if spec.external is not None or not isinstance(line, LineModeGalerkin):
        return None
    return TemperatureTable.of(spec, line)


@dataclass(frozen=True)
class TileValidation:
    """A tile's surrogate against fresh reads over time.

    Attributes:
        errors: on the fresh reads.
        certified: those of its certificate.
    """

    errors: TileErrors
    certified: TileErrors

    def failures(self) -> list[str]:
        """What does not hold, as lines of text."""
        fresh, known = self.errors, self.certified
        found = []
        for name, share, promised in (
            ("equal codes", fresh.codes_equal, known.codes_equal),
            ("codes within 1", fresh.codes_within_one, known.codes_within_one),
        ):
            needed = needed_share(promised, fresh.conversions, known.conversions)
            if share < needed:
                found.append(f"{name}: {100 * share:.2f} %, needed {100 * needed:.2f} %")
        for name, error, promised, floor in (
            ("energy", fresh.energy["total"], known.energy["total"], ENERGY_FLOOR),
            ("latency", fresh.latency, known.latency, LATENCY_FLOOR),
        ):
            limit = max(MARGIN * promised, floor)
            if error > limit:
                found.append(f"{name}: {100 * error:.2f} %, allowed {100 * limit:.2f} %")
        return found

    @property
    def holds(self) -> bool:
        """Whether everything is as certified."""
        return not self.failures()

    def table(self) -> str:
        """The outcome as lines of text."""
        verdict = "reads over time: hold" if self.holds else "reads over time: do not hold"
        return "\n".join([*error_lines(self.errors), *self.failures(), verdict])


def needed_share(promised: float, fresh: int, certified: int) -> float:
    """The smallest share on fresh conversions that is no evidence against a certified one.

    Four standard errors below, of both shares; one conversion in each may always be otherwise.
    """
    share = min(promised, 1.0 - 1.0 / (certified + 2.0))
    spread = math.sqrt(share * (1.0 - share) * (1.0 / fresh + 1.0 / certified))
    return max(share - 4.0 * spread, 0.0)
