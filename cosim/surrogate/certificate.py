"""The certificate of a surrogate: what it was fitted to, where it may be trusted, how wrong it is.

Its bounds are split-conformal, with samples that had no part in the fit: whatever the distribution
of the errors, as many fresh ones as promised lie inside. Errors on one conductance matrix are alike
(its columns share their inputs, its samples the conductances), so they are not exchangeable with
those on a fresh matrix; matrices are. Two promises follow, both for matrices and inputs that are
drawn in the same way as those of the certificate, and both on average over such certificates:

    bounds         a fresh output of a fresh matrix lies inside with at least the probability
                   `level`. With M matrices each has the weight 1 / (M + 1), shared by its errors,
                   and the bound is the smallest error below which the weights reach `level`
                   (Lee, Barber, Willett: Distribution-free inference with hierarchical data,
                   2023). The share exceeds the level by about 1 / M.
    matrix_bounds  of a fresh matrix, with at least the probability `level`, the share `level` of
                   its outputs lies inside: the ceil((M + 1) level)-th smallest of the matrices'
                   own quantiles (Dunn, Wasserman, Ramdas, JASA 118, 2023).

A level needs M >= level / (1 - level) matrices: 19 for 95 %, 99 for 99 %. With fewer, a bound is
the largest error seen and promises M / (M + 1) only, which `promised` and the table say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cosim.errors import DatasetError
from cosim.surrogate.accuracy import Accuracy, accuracy
from cosim.surrogate.base import Surrogate
from cosim.surrogate.dataset import TileSamples
from cosim.surrogate.domain import Domain


BOUND_LEVELS = (0.95, 0.99)
# Sums of weights miss a level by rounding only within this part of it.
ROUNDING = 1e-9


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
        bounds: for each level ("0.95"), the bound of the magnitude of an error [A], for outputs.
        refined: whether it was fitted to the samples; False for a closed form as it was.
        matrix_bounds: the same for whole matrices, as the module says.
    """

    kind: str
    provenance: Provenance
    counts: Counts
    domain: Domain
    accuracy: Accuracy
    bounds: Mapping[str, float]
    refined: bool
    matrix_bounds: Mapping[str, float] = field(default_factory=dict)

    def bound(self, level: float) -> float:
        """Bound of the magnitude of an output's error [A]; it holds with `promised(level)`."""
        return self.bounds[f"{level:g}"]

    def promised(self, level: float) -> float:
        """The probability that the bounds of a level hold with; lower with too few matrices."""
        matrices = self.counts.held_out_matrices
        return min(level, matrices / (matrices + 1))

    def table(self) -> str:
        """The certificate as lines of text for people."""
        a, n, d = self.accuracy, self.counts, self.domain
        fit = "fitted to samples" if self.refined else "closed form"
        lines = [
            ("surrogate", f"{self.kind} ({fit})"),
            ("tile", f"spec {self.provenance.spec_hash}"),
            ("reference", _reference(self.provenance)),
            ("inputs", f"{d.input_low:g} to {d.input_high:g} V"),
            ("conductances", f"{1e6 * d.conductance_low:g} to {1e6 * d.conductance_high:g} µS"),
            ("fitted on", f"{n.fit_samples} samples, {n.fit_matrices} matrices"),
            ("judged on", f"{n.held_out_samples} samples, {n.held_out_matrices} unseen matrices"),
            ("NRMSE", f"{100 * a.nrmse:.4g} % of the output range"),
            ("relative L2", f"{100 * a.relative_l2:.4g} %"),
            (
                "largest error",
                f"{100 * a.max_error:.4g} % of the range, {a.max_error_ampere:.3g} A",
            ),
            ("worst column bias", f"{100 * a.worst_column_bias:.4g} % of the range"),
            *(self._bound_line(level) for level in self.bounds),
        ]
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

    def _bound_line(self, level: str) -> tuple[str, str]:
        """What one level promises, and with how much certainty."""
        text = f"|error| <= {self.bounds[level]:.3g} A"
        if level in self.matrix_bounds:
            text += f", within a matrix {self.matrix_bounds[level]:.3g} A"
        if (promised := self.promised(float(level))) < float(level):
            text += (
                f" (largest seen: too few matrices to promise more than {100 * promised:.1f} %; "
                f"take {matrices_needed(float(level))})"
            )
        return f"{100 * float(level):g} % bound", text

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
            "matrix_bounds": dict(self.matrix_bounds),
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
                matrix_bounds=dict(data.get("matrix_bounds", {})),
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
    magnitude = np.abs(predicted - held_out.outputs)
    matrix = held_out.matrix
    return Certificate(
        kind=surrogate.kind,
        provenance=provenance,
        counts=Counts(len(held_in), held_in.matrices, len(held_out), held_out.matrices),
        domain=surrogate.domain,
        accuracy=accuracy(predicted, held_out.outputs, matrix),
        bounds={f"{level:g}": output_bound(magnitude, matrix, level) for level in BOUND_LEVELS},
        refined=refined,
        matrix_bounds={
            f"{level:g}": matrix_bound(magnitude, matrix, level) for level in BOUND_LEVELS
        },
    )


def matrices_needed(level: float) -> int:
    """Number of held-out matrices from which on a bound can promise a level."""
    return int(np.ceil(level / (1.0 - level) - ROUNDING))


def output_bound(
    magnitudes: Float[np.ndarray, "samples cols"], matrix: Int[np.ndarray, " samples"], level: float
) -> float:
    """The bound of an output's error on a fresh matrix [A].

    Args:
        magnitudes: of the errors on held-out samples [A].
        matrix: which matrix each sample was taken on.
        level: probability that the bound holds with.
    """
    owner = np.repeat(matrix, magnitudes.shape[1])
    return conformal_bound(magnitudes.ravel(), level, owner)


def matrix_bound(
    magnitudes: Float[np.ndarray, "samples cols"], matrix: Int[np.ndarray, " samples"], level: float
) -> float:
    """The bound that holds for a share `level` of the outputs of a share `level` of matrices [A].

    Args:
        magnitudes: of the errors on held-out samples [A].
        matrix: which matrix each sample was taken on.
        level: both shares.
    """
    own = [
        float(np.quantile(magnitudes[matrix == one], level, method="higher"))
        for one in np.unique(matrix)
    ]
    return conformal_bound(np.array(own), level)


def conformal_bound(
    magnitudes: Float[np.ndarray, " errors"],
    level: float,
    group: Int[np.ndarray, " errors"] | None = None,
) -> float:
    """The split-conformal bound of error magnitudes; the largest one when there are too few.

    Args:
        magnitudes: of the errors.
        level: probability that the bound holds with.
        group: which errors belong together, so that groups, not errors, are exchangeable; None
            when every error is on its own.
    """
    if group is None:
        group = np.arange(len(magnitudes))
    _, owner, count = np.unique(group, return_inverse=True, return_counts=True)
    order = np.argsort(magnitudes)
    reached = np.cumsum(1.0 / count[owner[order]])
    needed = level * (len(count) + 1) * (1.0 - ROUNDING)
    place = int(np.searchsorted(reached, needed))
    return float(magnitudes[order[min(place, len(order) - 1)]])


def _reference(provenance: Provenance) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions.items())
    return f"{provenance.engine} ({versions})" if versions else provenance.engine
