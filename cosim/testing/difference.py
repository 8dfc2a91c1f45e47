"""How far two sets of column currents are apart, said so that a designer knows where to look.

A difference is measured by the range of the reference, its largest current minus its smallest over
all outputs of one conductance matrix. The text names the outputs that are beyond the tolerance by
matrix, sample and column, in ampere and in percent of the range, the inputs of the worst one, and
the worst of every column, because a fault of the circuit often sits in one column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int


SHOWN_OUTPUTS = 5
SHOWN_ROWS = 12
SHOWN_COLS = 12


@dataclass(frozen=True)
class Samples:
    """Column currents of both sides for the same inputs and conductances.

    Attributes:
        inputs: input vectors [V].
        matrix: number of the conductance matrix of each sample.
        reference: column currents of the reference [A].
        predicted: column currents of what is judged [A].
    """

    inputs: Float[np.ndarray, "samples rows"]
    matrix: Int[np.ndarray, " samples"]
    reference: Float[np.ndarray, "samples cols"]
    predicted: Float[np.ndarray, "samples cols"]


@dataclass(frozen=True)
class Difference:
    """What is judged against its reference.

    Attributes:
        tile: name of the tile.
        judged: what is judged, such as `closed-form`.
        against: the reference, such as `ngspice 46`.
        samples: both sides.
        tolerance: largest difference that passes, as a fraction of the output range.
        note: what else a reader should know, such as another version of the simulator.
    """

    tile: str
    judged: str
    against: str
    samples: Samples
    tolerance: float
    note: str = ""

    @cached_property
    def ampere(self) -> Float[np.ndarray, "samples cols"]:
        """Judged minus reference [A]."""
        return self.samples.predicted - self.samples.reference

    @cached_property
    def ranges(self) -> Float[np.ndarray, " samples"]:
        """Output range of each sample's matrix [A]."""
        matrix, reference = self.samples.matrix, self.samples.reference
        found = np.empty(len(matrix))
        for index in np.unique(matrix):
            mine = matrix == index
            span = float(np.ptp(reference[mine])) or float(np.abs(reference[mine]).max())
            found[mine] = max(span, np.finfo(np.float64).tiny)
        return found

    @cached_property
    def share(self) -> Float[np.ndarray, "samples cols"]:
        """The difference as a fraction of the range."""
        return self.ampere / self.ranges[:, None]

    @property
    def beyond(self) -> int:
        """Number of outputs that differ by more than the tolerance, or are not finite."""
        return int((~(np.abs(self.share) <= self.tolerance)).sum())

    @property
    def holds(self) -> bool:
        """Whether every output is within the tolerance."""
        return self.beyond == 0

    @property
    def largest(self) -> float:
        """The largest difference as a fraction of the range."""
        return float(np.abs(self.share).max())

    def text(self) -> str:
        """The difference as lines of text for people."""
        outputs = f"{self.beyond} of {self.share.size} outputs"
        limit = f"{100 * self.tolerance:g} % of the output range"
        head = f"tile {self.tile}: {self.judged} against {self.against}"
        verdict = f"{head}: {outputs} differ by more than {limit}"
        if self.holds:
            return f"{head}: all outputs within {limit}, largest {100 * self.largest:.3g} %"
        lines = [verdict, *self._worst_lines(), self._inputs_line(), self._column_line()]
        return "\n".join([*lines, self.note] if self.note else lines)

    def _order(self) -> Int[np.ndarray, "found both"]:
        """Sample and column of the outputs beyond the tolerance, the worst first."""
        size = np.nan_to_num(np.abs(self.share), nan=np.inf)
        order = np.argsort(-size, axis=None, kind="stable")[: self.beyond]
        return np.stack(np.unravel_index(order, size.shape), axis=-1)

    def _worst_lines(self) -> list[str]:
        head = ("matrix", "sample", "column", f"{self.judged} [A]", "reference [A]")
        table: list[tuple[str, ...]] = [(*head, "difference [A]", "% of range")]
        found = self._order()
        for sample, col in found[:SHOWN_OUTPUTS]:
            values = (self.samples.predicted, self.samples.reference, self.ampere)
            cells = (f"{array[sample, col]:.6g}" for array in values)
            share = f"{100 * self.share[sample, col]:+.3g}"
            table.append((str(self.samples.matrix[sample]), str(sample), str(col), *cells, share))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in table
        ]
        rest = len(found) - SHOWN_OUTPUTS
        return [*lines, f"  ... and {rest} more"] if rest > 0 else lines

    def _inputs_line(self) -> str:
        sample = self._order()[0, 0]
        inputs = self.samples.inputs[sample]
        values = ", ".join(f"{volt:.4g}" for volt in inputs[:SHOWN_ROWS])
        rest = len(inputs) - SHOWN_ROWS
        return f"inputs of sample {sample} [V]: {values}" + (f", ... {rest} more" * (rest > 0))

    def _column_line(self) -> str:
        """The columns with the largest differences."""
        worst = np.nan_to_num(np.abs(self.share), nan=np.inf).max(axis=0)
        order = np.argsort(-worst, kind="stable")[:SHOWN_COLS]
        values = ", ".join(f"{col}: {100 * worst[col]:.3g}" for col in order)
        rest = len(worst) - SHOWN_COLS
        return f"largest by column [% of range]: {values}" + (f", ... {rest} more" * (rest > 0))
