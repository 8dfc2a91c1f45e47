"""How wrong predicted currents are, in the figures that the project quotes.

`error = predicted - reference`. The range of a reference is its largest value minus its smallest,
over all outputs of one conductance matrix; NRMSE is the root mean square error by that range. NRMSE
flatters sparse outputs, so the relative L2 error and the maximum always stand beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float, Int

from cosim.surrogate.base import Surrogate
from cosim.surrogate.dataset import TileSamples


@dataclass(frozen=True)
class Accuracy:
    """Error of predicted column currents.

    Attributes:
        nrmse: root mean square error by the range of each matrix's reference outputs.
        relative_l2: L2 norm of the error by that of the reference.
        max_error: largest magnitude of an error by the range of its matrix.
        max_error_ampere: largest magnitude of an error [A].
        worst_column_bias: largest magnitude of a column's mean error, by the mean range.
        column_bias: mean error of each column [A].
        output_range: mean over the matrices of the range [A].
    """

    nrmse: float
    relative_l2: float
    max_error: float
    max_error_ampere: float
    worst_column_bias: float
    column_bias: tuple[float, ...]
    output_range: float

    def to_dict(self) -> dict[str, float | list[float]]:
        """The figures by name, as JSON takes them."""
        return {**asdict(self), "column_bias": list(self.column_bias)}


def accuracy(
    predicted: Float[np.ndarray, "samples cols"],
    reference: Float[np.ndarray, "samples cols"],
    matrix: Int[np.ndarray, " samples"],
) -> Accuracy:
    """The error of `predicted` against `reference` [A]; `matrix` groups the samples by tile."""
    error = predicted - reference
    ranges = np.empty(len(reference))
    for index in np.unique(matrix):
        rows = matrix == index
        ranges[rows] = max(np.ptp(reference[rows]), np.finfo(np.float64).tiny)
    by_range = error / ranges[:, None]
    bias = error.mean(0)
    mean_range = float(np.mean([ranges[matrix == index][0] for index in np.unique(matrix)]))
    return Accuracy(
        nrmse=float(np.sqrt(np.mean(by_range**2))),
        relative_l2=float(np.linalg.norm(error) / np.linalg.norm(reference)),
        max_error=float(np.abs(by_range).max()),
        max_error_ampere=float(np.abs(error).max()),
        worst_column_bias=float(np.abs(bias).max() / mean_range),
        column_bias=tuple(float(b) for b in bias),
        output_range=mean_range,
    )


def accuracy_of(surrogate: Surrogate, samples: TileSamples) -> Accuracy:
    """The error of a surrogate on samples."""
    return accuracy(samples.predict(surrogate), samples.outputs, samples.matrix)
