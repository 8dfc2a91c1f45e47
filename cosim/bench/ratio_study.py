"""The drift study: how accurate sums of drifting cells stay, with and without reference cells.

A case says which cells, how they drift, and which reference cells set the ramp. A chip of a case is
a draw: weights of four levels in pairs (one cell carries the weight's magnitude, the other is at
the lowest level), what programming left of them, one drift exponent per cell. The twin computes all
chips at once; ngspice simulates some of them, each deck with the exponents of its own cells.

Every error is taken from the result that the law gives for the conductances as programmed,

    accuracy = 1 - mean|e| / mean|ideal|,     e = output - ideal,

so it is drift and the circuit that are judged; `against targets` refers to the intended weights
instead and includes what programming left. Finished simulations are kept in a folder under a name
made of their deck, so a study that was interrupted goes on where it was.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from compact_models import load_card
from compact_models.variability import Population, stream
from cosim.bench.ratio_run import RatioRun
from cosim.ngspice import Workers
from netlists.circuits.ratio_behavioural import Form
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_drift import ACCURACY, accuracy, kappa_squared, signed_error
from netlists.circuits.ratio_mac import RatioMac, RatioState
from netlists.circuits.ratio_twin import RatioTwin, ideal_outputs


INPUTS, COLUMNS, CONVERSIONS = 64, 4, 2
FILL = 0.375  # signed sums of random weights stay small: about three over the root of the inputs


@dataclass(frozen=True)
class DriftCase:
    """Cells, their drift, and the reference cells.

    Attributes:
        name: for tables.
        card: of the cells.
        levels: the four conductances of a weight's magnitude [S].
        reference_levels: what reference cells are programmed to [S].
        references: reference cells at each of these levels.
        mean: drift exponent; by the card's law when None.
        spread: standard deviation of the exponents; by the card's law when None.
        by_level: one conversion per level with the reference cells of that level.
    """

    name: str
    card: str
    levels: tuple[float, ...]
    reference_levels: tuple[float, ...]
    references: int = 16
    mean: float | None = None
    spread: float | None = None
    by_level: bool = False

    @property
    def mac(self) -> RatioMac:
        """The tile."""
        return RatioMac(
            card=self.card,
            inputs=INPUTS,
            columns=COLUMNS,
            reference_levels=self.reference_levels,
            references=self.references,
            fill=FILL,
        )

    @property
    def drifts_alike(self) -> bool:
        """Whether all levels have one mean exponent, so that the law for signed sums holds."""
        law = load_card(self.card).law("drift_exponent_mean")
        return self.mean is not None or float(np.ptp(law(np.array(self.levels)))) == 0.0

    def exponents(self, population: Population, programmed: np.ndarray) -> np.ndarray:
        """Drift exponent of each cell."""
        card = population.card
        mean = card.law("drift_exponent_mean")(programmed) if self.mean is None else self.mean
        spread = self.spread
        width = card.law("drift_exponent_spread")(programmed) if spread is None else spread
        return np.abs(mean + width * population.normal("drift exponent"))


@dataclass(frozen=True, eq=False)
class DriftChip:
    """One chip of a case, or several with a leading axis.

    Attributes:
        case: what it is a chip of.
        targets: intended positive and negative conductances, `[2, ..., inputs, columns]` [S].
        positive: cells that add.
        negative: cells that subtract.
        reference: reference cells, level after level.
        x: inputs, `[..., conversions, inputs]`.
    """

    case: DriftCase
    targets: Float[np.ndarray, "2 *chips inputs columns"]
    positive: PhaseChangeCells
    negative: PhaseChangeCells
    reference: PhaseChangeCells
    x: Float[np.ndarray, "*chips conversions inputs"]

    @classmethod
    def drawn(cls, case: DriftCase, number: int) -> DriftChip:
        """Chip `number` of a case; equal numbers draw equally."""
        generator = stream(number, f"chip of {INPUTS} x {COLUMNS}")
        levels = np.array(case.levels)
        shape = (INPUTS, COLUMNS)
        weight = levels[generator.integers(0, len(levels), shape)]
        adds = generator.random(shape) < 0.5
        targets = np.stack([np.where(adds, weight, levels[0]), np.where(adds, levels[0], weight)])
        wanted = np.concatenate([targets.ravel(), case.mac.reference_targets])
        card = load_card(case.card)
        population = Population(card, wanted.size, number)
        left = population.programmed(wanted)
        if card.conductance is not None:
            left = np.clip(left, card.conductance.low, card.conductance.high)
        exponents = case.exponents(population, left)
        half = weight.size
        parts = (slice(0, half), slice(half, 2 * half), slice(2 * half, None))
        shapes = (shape, shape, (-1,))
        positive, negative, reference = (
            PhaseChangeCells(case.card, left[part].reshape(to), exponents[part].reshape(to))
            for part, to in zip(parts, shapes, strict=True)
        )
        x = generator.random((CONVERSIONS, INPUTS))
        return cls(case, targets, positive, negative, reference, x)

    @classmethod
    def many(cls, case: DriftCase, numbers: Iterable[int]) -> DriftChip:
        """Several chips along a leading axis."""
        chips = [cls.drawn(case, number) for number in numbers]

        def stacked(cells: Sequence[PhaseChangeCells]) -> PhaseChangeCells:
            return PhaseChangeCells(
                case.card,
                np.stack([one.conductance for one in cells]),
                np.stack([one.exponent for one in cells]),
            )

        return cls(
            case,
            np.stack([chip.targets for chip in chips], axis=1),
            stacked([chip.positive for chip in chips]),
            stacked([chip.negative for chip in chips]),
            stacked([chip.reference for chip in chips]),
            np.stack([chip.x for chip in chips]),
        )

    def conversions(
        self, elapsed: float, compensated: bool
    ) -> list[tuple[float, RatioMac, RatioState]]:
        """What is converted, each with its weight in the result; one conversion unless by level."""
        case = self.case
        state = RatioState(self.positive, self.negative, self.reference, elapsed)
        if not case.by_level or not compensated:
            return [(1.0, case.mac, replace(state, fixed_ramp=not compensated))]
        return [self._of_level(state, index) for index in range(len(case.reference_levels))]

    def _of_level(self, state: RatioState, index: int) -> tuple[float, RatioMac, RatioState]:
        """Only the cells of one level, against their own reference cells."""
        case, level = self.case, self.case.reference_levels[index]
        own = slice(index * case.references, (index + 1) * case.references)
        reference = PhaseChangeCells(
            case.card, self.reference.conductance[..., own], self.reference.exponent[..., own]
        )
        levels = np.array(case.levels)
        chosen = np.abs(self.targets[..., None] - levels).argmin(axis=-1)
        mine = chosen == np.abs(levels - level).argmin()
        only = replace(
            state,
            positive=self.positive.where(mine[0]),
            negative=self.negative.where(mine[1]),
            reference=reference,
        )
        mac = case.mac.model_copy(update={"reference_levels": (level,)})
        return level / case.mac.reference_conductance, mac, only

    def twin(self, elapsed: float, compensated: bool) -> np.ndarray:
        """Results by the twin [V]."""
        parts = self.conversions(elapsed, compensated)
        results = [weight * RatioTwin(mac, state).outputs(self.x) for weight, mac, state in parts]
        return np.sum(results, axis=0)

    def ideal(self, compensated: bool) -> np.ndarray:
        """What the law gives for the conductances as programmed [V]."""
        results = []
        for weight, mac, state in self.conversions(self.positive.birth, compensated):
            programmed = state.reference.conductance if compensated else mac.reference_targets
            arrays = (state.positive.conductance, state.negative.conductance, programmed)
            results.append(weight * ideal_outputs(mac, self.x, *arrays))
        return np.sum(results, axis=0)

    @cached_property
    def intended(self) -> np.ndarray:
        """What the law gives for the targets [V]."""
        mac = self.case.mac
        adds, subtracts = self.targets
        return ideal_outputs(mac, self.x, adds, subtracts, mac.reference_targets)


@dataclass(frozen=True)
class DriftRow:
    """One line of the study's table; accuracies are 1 - mean|e| / mean|ideal|.

    Attributes:
        case: its name.
        time: since programming [s].
        ramp: `reference cells` or `resistor`.
        sigma_log: spread of the exponents times ln(t/t0), rms over the weights.
        law: accuracy by the law for signed sums; NaN for a resistor, or unlike levels.
        chips: computed by the twin.
        twin: accuracy of these.
        targets: the same against the intended weights.
        simulated: chips that were simulated.
        form: how their arrays were drawn.
        spice: accuracy of these in ngspice; NaN without.
        twin_there: accuracy of the same chips by the twin.
        apart: largest difference of the two, per cent of full scale.
    """

    case: str
    time: float
    ramp: str
    sigma_log: float
    law: float
    chips: int
    twin: float
    targets: float
    simulated: int = 0
    form: str = ""
    spice: float = np.nan
    twin_there: float = np.nan
    apart: float = np.nan


def twin_row(case: DriftCase, time: float, compensated: bool, chips: int) -> DriftRow:
    """Accuracy of the first `chips` chips by the twin."""
    many = _first_chips(case, chips)
    output = many.twin(time, compensated)
    sigma = _spread(case, many) * np.log(time / many.positive.birth)
    kappa2 = kappa_squared(many.positive.conductance, many.negative.conductance)
    law = 1.0 - signed_error(float(sigma), 1.0, kappa2, many.reference.conductance.shape[-1])
    if not (compensated and case.drifts_alike):
        law = np.nan
    return DriftRow(
        case.name,
        time,
        "reference cells" if compensated else "resistor",
        float(sigma),
        law,
        chips,
        accuracy(output, many.ideal(compensated)),
        accuracy(output, many.intended),
    )


@cache
def _first_chips(case: DriftCase, chips: int) -> DriftChip:
    return DriftChip.many(case, range(chips))


def _spread(case: DriftCase, chip: DriftChip) -> float:
    """Spread of the exponents, rms over the cells as their conductances weigh them."""
    both = np.concatenate([chip.positive.conductance, chip.negative.conductance]).ravel()
    own = load_card(case.card).law("drift_exponent_spread")(both)
    spread = own if case.spread is None else np.full_like(both, case.spread)
    return float(np.sqrt(((both * spread) ** 2).sum() / (both**2).sum()))


@dataclass(frozen=True, eq=False)
class DriftSimulations:
    """Simulated chips, kept in a folder.

    Attributes:
        workers: where ngspice runs.
        folder: for results, one file per deck.
        progress: called with one line about each finished chip.
    """

    workers: Workers
    folder: Path
    progress: Callable[[str], object] = print

    def row(self, row: DriftRow, case: DriftCase, chips: int, form: Form = "sum") -> DriftRow:
        """The row with the first `chips` chips simulated too."""
        compensated = row.ramp == "reference cells"
        outputs, twins, ideals = [], [], []
        for number in range(chips):
            chip = DriftChip.drawn(case, number)
            outputs.append(self._chip(chip, row.time, compensated, form))
            twins.append(chip.twin(row.time, compensated))
            ideals.append(chip.ideal(compensated))
            done = accuracy(np.stack(outputs), np.stack(ideals))
            self.progress(
                f"{case.name}, {row.time:g} s, {row.ramp}, {form}: chip {number + 1} of {chips}, "
                f"accuracy so far {100 * done:.2f} %"
            )
        out, twin, ideal = (np.stack(group) for group in (outputs, twins, ideals))
        return replace(
            row,
            simulated=chips,
            form=form,
            spice=accuracy(out, ideal),
            twin_there=accuracy(twin, ideal),
            apart=100.0 * float(np.abs(out - twin).max()) / case.mac.output_swing,
        )

    def _chip(
        self, chip: DriftChip, time: float, compensated: bool, form: Form
    ) -> Float[np.ndarray, "conversions columns"]:
        """Results of one chip in ngspice [V]."""
        results = [
            weight * self._kept(RatioRun(mac, state, chip.x, form))
            for weight, mac, state in chip.conversions(time, compensated)
        ]
        return np.sum(results, axis=0)

    def _kept(self, run: RatioRun) -> Float[np.ndarray, "conversions columns"]:
        """Results of one run, from the folder if they are there."""
        simulation = run.simulation
        key = f"{simulation.deck}{simulation.analysis.command}"
        file = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
        if not file.exists():
            (result,) = self.workers.run_many([simulation])
            values = run.results(result)
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(".partial.npy")
            np.save(partial, values)
            partial.rename(file)
        return np.load(file)


def twin_rows(
    cases: Iterable[DriftCase], times: Sequence[float], chips: int
) -> Iterator[tuple[DriftCase, DriftRow]]:
    """Rows by the twin, with reference cells and with a resistor, from each card's t0 on."""
    for case in cases:
        birth = load_card(case.card).values["t0"]
        for time in times:
            for compensated in (True, False):
                if time >= birth:
                    yield case, twin_row(case, time, compensated, chips)


def comma_separated(rows: Iterable[DriftRow], made_by: str) -> str:
    """The table with its definition and how it was made in the first lines."""
    text = io.StringIO()
    text.write(f"# {ACCURACY}; ideal: the law for the conductances as programmed\n")
    text.write(f"# made by: {made_by}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(DriftRow))
    for row in rows:
        writer.writerow(
            f"{value:.6g}" if isinstance(value, float) else value
            for value in (getattr(row, field.name) for field in fields(DriftRow))
        )
    return text.getvalue()
