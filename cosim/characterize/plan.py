"""Sampling plans: which conductances and inputs a tile is characterised at.

A surrogate that is fitted to uniform noise alone has not seen what networks do to a tile: most
weights near zero, so that one cell of each pair is at its lowest conductance, and sparse inputs
after a rectifier. A plan therefore cycles through kinds of conductance matrices and draws sparse
and dense input vectors; every draw comes from the plan's seed and the matrix's number, so a matrix
can be drawn again without the others.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from cosim.characterize.conditions import Conditions
from netlists.fields import Spec
from netlists.specs import TileSpec


Kind = Literal["uniform", "pairs", "sparse"]


class SamplingPlan(Spec):
    """How many samples to take of a tile, and of what.

    Attributes:
        samples: number of MVM samples at each condition.
        inputs_per_matrix: input vectors per conductance matrix; new inputs are cheap in ngspice,
            new conductances mean a new load of the circuit.
        seed: of every draw.
        kinds: conductance matrices in turn: `uniform` over the range; `pairs`, differential
            columns of normally distributed weights, one cell of each pair at the minimum;
            `sparse`, four of five cells at the minimum.
        zero_fraction: of the input vectors half are dense, and half have each entry at zero
            with this probability.
        voltage_margin: inputs reach the read voltage times this.
        transients: sequences of reads over time, for tiles with a read-out: what the surrogate's
            codes, energies and latencies are fitted to and judged on.
        reads_per_transient: input vectors of each.
        conditions: corners, temperatures, times and Monte Carlo draws at which the samples are
            taken; the tile as specified by default.
    """

    samples: Annotated[int, Field(ge=1)]
    inputs_per_matrix: Annotated[int, Field(ge=1, le=10_000)] = 32
    seed: Annotated[int, Field(ge=0)] = 0
    kinds: tuple[Kind, ...] = ("uniform", "pairs", "sparse")
    zero_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.7
    voltage_margin: Annotated[float, Field(gt=0, le=2)] = 1.0
    transients: Annotated[int, Field(ge=0, le=100_000)] = 0
    reads_per_transient: Annotated[int, Field(ge=2, le=1000)] = 8
    conditions: Conditions = Conditions()

    @property
    def matrices(self) -> int:
        """Number of conductance matrices, all conditions together."""
        return self.conditions.count * self._targets

    @property
    def all_samples(self) -> int:
        """Number of samples, all conditions together."""
        return self.conditions.count * self.samples

    @property
    def _targets(self) -> int:
        """Number of target matrices, each of which every condition gets."""
        return -(-self.samples // self.inputs_per_matrix)

    def condition_of(self, matrix: int) -> int:
        """The number of the condition that a matrix belongs to."""
        return matrix // self._targets

    def tile(self, spec: TileSpec, condition: int) -> TileSpec:
        """The tile under one condition.

        Raises:
            SpecError: the condition asks for something that a tile cannot be.
        """
        return self.conditions.tile(spec, self.conditions.all(spec)[condition], self.seed)

    def vectors_of(self, matrix: int) -> slice:
        """The samples that belong to a matrix."""
        condition, target = divmod(matrix, self._targets)
        start = target * self.inputs_per_matrix
        stop = min(start + self.inputs_per_matrix, self.samples)
        return slice(condition * self.samples + start, condition * self.samples + stop)

    def conductances(self, spec: TileSpec, matrix: int) -> Float[np.ndarray, "rows cols"]:
        """The conductances [S] of one matrix, as its condition has made them."""
        condition, target = divmod(matrix, self._targets)
        kind = self.kinds[target % len(self.kinds)]
        generator = np.random.default_rng([self.seed, target, 0])
        G = _DRAWS[kind](spec, generator)
        there = self.conditions.all(spec)[condition]
        return self.conditions.conductances(G, there, (self.seed, target))

    def inputs(self, spec: TileSpec, matrix: int) -> Float[np.ndarray, "samples rows"]:
        """The input vectors [V] that one matrix is read with.

        They lie below zero where cells draw their current out of the lines.
        """
        vectors = self.vectors_of(matrix)
        shape = (vectors.stop - vectors.start, spec.rows)
        generator = np.random.default_rng([self.seed, matrix % self._targets, 1])
        voltages = generator.uniform(0.0, spec.drivers.read_voltage * self.voltage_margin, shape)
        sparse = generator.random((shape[0], 1)) < 0.5
        zero = generator.random(shape) < self.zero_fraction
        sign = -1.0 if spec.readout is not None and spec.readout.draws else 1.0
        return np.where(sparse & zero, 0.0, sign * voltages)

    def transient(
        self, spec: TileSpec, number: int
    ) -> tuple[Float[np.ndarray, "rows cols"], Float[np.ndarray, "reads rows"]]:
        """The conductances [S] of one sequence of reads, and its inputs: codes, or volts."""
        generator = np.random.default_rng([self.seed, number, 5])
        G = _DRAWS[self.kinds[number % len(self.kinds)]](spec, generator)
        shape = (self.reads_per_transient, spec.rows)
        share = generator.random(shape)
        if spec.inputs is None:
            X = spec.drivers.read_voltage * share
        else:
            X = np.floor((spec.inputs.largest + 1) * share)
        sparse = generator.random((shape[0], 1)) < 0.5
        X = np.where(sparse & (generator.random(shape) < self.zero_fraction), 0.0, X)
        X[:, list(spec.inactive_rows)] = 0.0
        return G, X


def _uniform(spec: TileSpec, generator: np.random.Generator) -> np.ndarray:
    cell = spec.cell
    return generator.uniform(cell.conductance_min, cell.conductance_max, (spec.rows, spec.cols))


def _pairs(spec: TileSpec, generator: np.random.Generator) -> np.ndarray:
    cell = spec.cell
    weights = np.clip(generator.normal(0.0, 0.35, (spec.rows, (spec.cols + 1) // 2)), -1.0, 1.0)
    both = np.stack([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)], axis=-1)
    share = both.reshape(spec.rows, -1)[:, : spec.cols]
    return cell.conductance_min + (cell.conductance_max - cell.conductance_min) * share


def _sparse(spec: TileSpec, generator: np.random.Generator) -> np.ndarray:
    values = _uniform(spec, generator)
    low = generator.random(values.shape) < 0.8
    return np.where(low, spec.cell.conductance_min, values)


_DRAWS = {"uniform": _uniform, "pairs": _pairs, "sparse": _sparse}
