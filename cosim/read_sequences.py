"""Reads of a tile over time, one after the other: what the laws of a periphery are fitted to.

A transient of a tile with a read-out is one sequence: some input vectors on one conductance matrix.
An amplifier that has not quite settled remembers the read before, so the order counts. Splits go by
sequence: a held-out one has conductances and inputs that the fit has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cosim.errors import ShapeError


@dataclass(frozen=True)
class ReadSequences:
    """Sequences of reads, all of the same length.

    Attributes:
        conductance: of each sequence [S].
        inputs: codes of the tile's inputs, or volts, as they were applied.
        outputs: of the tile: codes, or volts without a converter.
        codes: of every line in every conversion; volts without a converter.
        sensed: amplifier outputs when they are sampled [V].
        latency: until the slowest amplifier has settled, after the inputs have changed [s].
        energy: delivered by each block in each read [J].
    """

    conductance: Float[np.ndarray, "sequences rows cols"]
    inputs: Float[np.ndarray, "sequences samples rows"]
    outputs: Float[np.ndarray, "sequences samples outputs"]
    codes: Float[np.ndarray, "sequences reads cols"]
    sensed: Float[np.ndarray, "sequences reads cols"]
    latency: Float[np.ndarray, "sequences reads"]
    energy: Mapping[str, Float[np.ndarray, "sequences reads"]]

    def __len__(self) -> int:
        return len(self.conductance)

    def of(self, which: Int[np.ndarray, " chosen"]) -> ReadSequences:
        """Some of the sequences."""
        return ReadSequences(
            self.conductance[which],
            self.inputs[which],
            self.outputs[which],
            self.codes[which],
            self.sensed[which],
            self.latency[which],
            {block: joule[which] for block, joule in self.energy.items()},
        )

    def split(self, fraction: float, seed: int) -> tuple[ReadSequences, ReadSequences]:
        """Two sets without a common sequence, the first with about `fraction` of them.

        Raises:
            ShapeError: there are fewer than two sequences.
        """
        if len(self) < 2:
            raise ShapeError(
                f"the reads over time are {len(self)} sequence; a split needs at least 2, because "
                "held-out reads must have conductances of their own; characterize with more "
                "transients"
            )
        order = np.random.default_rng(seed).permutation(len(self))
        count = min(max(round(fraction * len(self)), 1), len(self) - 1)
        return self.of(np.sort(order[:count])), self.of(np.sort(order[count:]))

    @staticmethod
    def joined(parts: Sequence[ReadSequences]) -> ReadSequences:
        """All sequences of some sets.

        Raises:
            ShapeError: there is none.
        """
        if not parts:
            raise ShapeError(
                "no reads over time are given; at least one sequence is needed; characterize with "
                "transients"
            )

        def all_of(name: str) -> np.ndarray:
            return np.concatenate([getattr(part, name) for part in parts])

        blocks = parts[0].energy
        return ReadSequences(
            all_of("conductance"),
            all_of("inputs"),
            all_of("outputs"),
            all_of("codes"),
            all_of("sensed"),
            all_of("latency"),
            {block: np.concatenate([part.energy[block] for part in parts]) for block in blocks},
        )
