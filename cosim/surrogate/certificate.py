"""The certificate of a surrogate: what it was fitted to, where it may be trusted, how wrong it is.

The bounds are split-conformal (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World,
2005; Lei et al., JASA 113, 2018): with the magnitudes of n errors on samples that had no part in
the fit, the ceil((n + 1) level)-th smallest of them bounds the error of a fresh sample, drawn in
the same way, with at least the probability `level`, whatever the distribution of the errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import numpy as np
from jaxtyping import Float

from cosim.errors import DatasetError
from cosim.surrogate.accuracy import Accuracy, accuracy
from cosim.surrogate.base import Surrogate
from cosim.surrogate.dataset import TileSamples
from cosim.surrogate.domain import Domain


BOUND_LEVELS = (0.95, 0.99)


@dataclass(frozen=True)
class Provenance:
    """Where the reference samples came from.

    Attributes:
        spec_hash: hash of the tile's specification.
        engine: name of the engine that made the samples.
        versions: version of each program involved.
        seeds: the seeds of the draws.
    """

    spec_hash: str
    engine: str
    versions: Mapping[str, str]
    seeds: Mapping[str, int]


@dataclass(frozen=True)
class Counts:
    """How many samples (and conductance matrices) went where.

    Attributes:
        fit_samples: samples that the fit has seen.
        fit_matrices: conductance matrices among them.
        held_out_samples: samples that the figures of the certificate are measured on.
        held_out_matrices: conductance matrices among them, none of them seen by the fit.
    """

    fit_samples: int
    fit_matrices: int
    held_out_samples: int
    held_out_matrices: int


@dataclass(frozen=True)
class Certificate:
    """What is known about the error of a surrogate.

    Attributes:
        kind: kind of the surrogate.
        provenance: where the samples came from.
        counts: how many there were.
        domain: inputs and conductances for which the figures hold.
        accuracy: errors on held-out inputs and conductances.
        bounds: for each level ("0.95"), the bound of the magnitude of an error [A].
        refined: whether refining on the samples beat the closed form.
    """

    kind: str
    provenance: Provenance
    counts: Counts
    domain: Domain
    accuracy: Accuracy
    bounds: Mapping[str, float]
    refined: bool

    def bound(self, level: float) -> float:
        """Bound of the magnitude of an output's error [A] that holds with probability `level`."""
        return self.bounds[f"{level:g}"]

    def table(self) -> str:
        """The certificate as lines of text for people."""
        a, n, d = self.accuracy, self.counts, self.domain
        fit = "closed form, refined on samples" if self.refined else "closed form"
        lines = [
            ("surrogate", f"{self.kind} ({fit})"),
            ("tile", f"spec {self.provenance.spec_hash}"),
            ("reference", _reference(self.provenance)),
            ("inputs", f"{d.input_low:g} to {d.input_high:g} V"),
            ("conductances", f"{1e6 * d.conductance_low:g} to {1e6 * d.conductance_high:g} µS"),
            ("fitted on", f"{n.fit_samples} samples, {n.fit_matrices} matrices"),
            ("judged on", f"{n.held_out_samples} samples, {n.held_out_matrices} unseen matrices"),
            ("NRMSE", f"{100 * a.nrmse:.4f} % of the output range"),
            ("relative L2", f"{100 * a.relative_l2:.4f} %"),
            (
                "largest error",
                f"{100 * a.max_error:.4f} % of the range, {a.max_error_ampere:.3g} A",
            ),
            ("worst column bias", f"{100 * a.worst_column_bias:.4f} % of the range"),
            *(
                (f"{100 * float(level):g} % bound", f"|error| <= {bound:.3g} A")
                for level, bound in self.bounds.items()
            ),
        ]
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

    def to_json(self) -> str:
        """The certificate as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def to_dict(self) -> dict[str, Any]:
        """The certificate as plain values."""
        return {
            "kind": self.kind,
            "provenance": asdict(self.provenance),
            "counts": asdict(self.counts),
            "domain": self.domain.to_dict(),
            "accuracy": self.accuracy.to_dict(),
            "bounds": dict(self.bounds),
            "refined": self.refined,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Certificate:
        """The certificate that `to_dict` wrote.

        Raises:
            DatasetError: a field is missing or unknown.
        """
        try:
            figures = {**data["accuracy"], "column_bias": tuple(data["accuracy"]["column_bias"])}
            return Certificate(
                kind=data["kind"],
                provenance=Provenance(**data["provenance"]),
                counts=Counts(**data["counts"]),
                domain=Domain.from_dict(data["domain"]),
                accuracy=Accuracy(**figures),
                bounds=dict(data["bounds"]),
                refined=bool(data["refined"]),
            )
        except (KeyError, TypeError) as error:
            raise DatasetError(
                f"a surrogate's certificate has missing or unknown fields ({error}); it must be as"
                " `cosim fit` wrote it; fit the surrogate again"
            ) from error


def certify(
    surrogate: Surrogate,
    held_in: TileSamples,
    held_out: TileSamples,
    provenance: Provenance,
    refined: bool = False,
) -> Certificate:
    """Judge a surrogate on samples whose inputs and conductances it has not seen."""
    predicted = held_out.predict(surrogate)
    magnitude = np.abs(predicted - held_out.outputs).ravel()
    return Certificate(
        kind=surrogate.kind,
        provenance=provenance,
        counts=Counts(len(held_in), held_in.matrices, len(held_out), held_out.matrices),
        domain=surrogate.domain,
        accuracy=accuracy(predicted, held_out.outputs, held_out.matrix),
        bounds={f"{level:g}": conformal_bound(magnitude, level) for level in BOUND_LEVELS},
        refined=refined,
    )


def conformal_bound(magnitudes: Float[np.ndarray, " errors"], level: float) -> float:
    """The split-conformal bound of error magnitudes; the largest one when there are too few."""
    count = len(magnitudes)
    rank = min(ceil((count + 1) * level), count)
    return float(np.partition(magnitudes, rank - 1)[rank - 1])


def _reference(provenance: Provenance) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions.items())
    return f"{provenance.engine} ({versions})" if versions else provenance.engine
