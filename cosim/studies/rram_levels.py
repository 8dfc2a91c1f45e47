"""From an RRAM cell to the accuracy of a network: levels, programming, wires, training.

After A. Glukhov et al., "End-to-end modeling of variability-aware neural networks based on
resistive-switching memory arrays", VLSI-SoC 2022, and V. Milo et al., IEEE Trans. Electron Devices
68(8), 2021 (10.1109/TED.2021.3089995). A perceptron with 197 inputs (14x14 pixels and a constant),
one hidden layer and no other bias is trained, its weights become differential pairs of cells with
the levels of a set, and chips are drawn with the spreads that the array's card gives for a
program-verify algorithm, times a factor.

    float                trained in floating point, not on tiles
    rounded              the same weights on tiles
    rounding-aware       trained further with the levels in the forward pass
    aware x k            the same, with spreads k times those of the card redrawn for every batch

Wires are read through the line-mode surrogate of the tile, chip by chip, with nothing that makes up
for the drop (`plain`), and with one digital gain per layer that does (`gain`).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from cosim.cell import TileCell
from cosim.datasets import Images
from cosim.nn import (
    AnalogLayer,
    CardProgramming,
    ProgrammingError,
    TileSettings,
    TrainSettings,
    analog_layers,
    calibrate_gain,
    evaluate,
    program_chips,
)
from cosim.report import Axis, LineChart
from cosim.studies.arms import (
    FIGURES,
    PARTS,
    TYPICAL,
    digital_accuracy,
    figures,
    on_chips,
    on_tiles,
    trained,
    tuned,
)
from cosim.studies.networks import multilayer_perceptron
from cosim.studies.rows import Row
from cosim.studies.script import curve, paired, selected, shown
from cosim.studies.spec import ImageStudy
from cosim.studies.study_run import ImageRun
from cosim.surrogate import LineModeGalerkin
from netlists.fields import NotNegative, Positive, Spec
from netlists.specs import TileSpec


KEYS = ("hidden", "levels", "arm", "seed", "sigma", "wires")
VALUES = ("weight_levels", "pair_uS", *FIGURES)
FIRST_CHIP = 1000


class LevelSet(Spec):
    """The levels of a cell.

    Attributes:
        name: of the set.
        conductances: its levels [S].
        weight_clip: largest weight, in standard deviations of a layer's weights: few levels need a
            closer one.
        aware: factors on the spread that training injects; none trains without disturbance only.
    """

    name: str
    conductances: tuple[Positive, ...]
    weight_clip: Positive
    aware: tuple[NotNegative, ...] = ()


class RramLevelsStudy(ImageStudy):
    """The study.

    Attributes:
        hidden: widths of the hidden layer.
        sets: of levels.
        card: whose spreads programming has.
        algorithm: of program and verify.
        off_below: a level below this is the high-resistance state [S], which the card's law does
            not describe.
        off_spread: its spread [S].
        sigmas: factors on the spreads of the chips.
        wires: resistances of a wire's segment [ohm], with spreads as the card gives them.
        wire_images: test images that are read through wires.
        tile: specification of the tile.
        epochs: of the training in floating point.
        tuning_epochs: of the training on tiles.
        batch: images per step.
        seeds: training seeds.
        chips: per point.
    """

    hidden: tuple[int, ...]
    sets: tuple[LevelSet, ...]
    card: str
    algorithm: str
    off_below: Positive
    off_spread: NotNegative
    sigmas: tuple[NotNegative, ...]
    wires: tuple[Positive, ...] = ()
    wire_images: Annotated[int, Field(ge=1)] = 1000
    tile: TileSpec
    epochs: Annotated[int, Field(ge=1)]
    tuning_epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)] = 128
    seeds: Annotated[int, Field(ge=1)]
    chips: Annotated[int, Field(ge=1)]

    def spread(self, sigma: float) -> LevelSpread:
        """What programming leaves, `sigma` times as wide as published."""
        cell = self.tile.cell
        off = ProgrammingError(sigma * self.off_spread, low=0.0, high=cell.conductance_max)
        # The spread alone: the mean excess over a target is read out and corrected for in practice.
        card = CardProgramming(self.card, self.algorithm, scale=sigma, shifted=False)
        return LevelSpread(card, off, self.off_below)


@dataclass(frozen=True)
class LevelSpread:
    """The spreads of a card for programmed levels, and another one for the state without filament.

    Attributes:
        levels: of the programmed levels.
        off: of the high-resistance state.
        off_below: conductances below are of that state [S].
    """

    levels: CardProgramming
    off: ProgrammingError
    off_below: float

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] instead of targets [S]."""
        on = self.levels.draw(target, generator)
        off = self.off.draw(target, generator)
        return torch.where(target < self.off_below, off, on)


class WithConstant(nn.Module):
    """Flat images with a constant one behind them: its weights are the bias."""

    def forward(self, x: Float[Tensor, "images ..."]) -> Float[Tensor, "images values"]:
        """Pixels and the constant."""
        flat = x.flatten(1)
        return torch.cat([flat, flat.new_ones(len(flat), 1)], 1)


@dataclass(frozen=True)
class RramLevels(ImageRun[RramLevelsStudy]):
    """A run of the study."""

    keys: ClassVar[tuple[str, ...]] = KEYS
    values: ClassVar[tuple[str, ...]] = VALUES

    def run(self) -> None:
        """Every case that is not in the table yet."""
        for seed in range(self.study.seeds):
            for hidden in self.study.hidden:
                digital = _Digital(self.study, self.images, hidden, seed)
                where: Row = {"hidden": hidden, "seed": seed, "sigma": 0.0, "wires": "none"}
                self.rows.case(
                    {**where, "levels": "float", "arm": "float"},
                    digital.result,
                )
                for levels in self.study.sets:
                    self._set(digital, levels)

    def chart(self) -> LineChart:
        """Accuracy over the spread, for every training of the narrow network on most levels."""
        levels = max(self.study.sets, key=lambda levels: len(levels.conductances))
        narrow = self.study.hidden[-1]
        arms = ["rounding-aware", *(f"aware x {factor:g}" for factor in levels.aware)]
        rows = [row for row in self.rows.all if row["wires"] == "none"]
        curves = tuple(
            curve(arm, rows, "sigma", arm=arm, hidden=narrow, levels=levels.name) for arm in arms
        )
        return LineChart(
            Axis("spread of the cells over the published one"), Axis("accuracy", "%"), curves
        )

    def figures(self) -> dict[str, str]:
        """What the study comes to, by the names of the published figures."""
        rows = self.rows.all
        most = max(self.study.sets, key=lambda levels: len(levels.conductances)).name
        few = min(self.study.sets, key=lambda levels: len(levels.conductances)).name
        found: dict[str, str] = {}
        for hidden in self.study.hidden:
            at: dict[str, str | float] = {"hidden": hidden, "wires": "none"}
            float_net = selected(rows, "mean", arm="float", **at)
            found[f"float_{hidden}"] = shown(float_net)
            for arm in ("rounded", "rounding-aware"):
                on = selected(rows, "mean", arm=arm, levels=most, sigma=1.0, **at)
                found[f"{arm}_{hidden}"] = f"{shown(on)}, {shown(paired(on, float_net), ' points')}"
            found |= self._gains(hidden, rows)
        wide = self.study.hidden[0]
        pairs = {
            name: selected(rows, "pair_uS", hidden=wide, arm="rounded", levels=name, sigma=1.0)
            for name in (most, few)
        }
        if len(pairs[most]) and len(pairs[few]):
            found["current"] = f"{pairs[most].mean() / pairs[few].mean():.1f} times"
        for wire in self.study.wires:
            texts = []
            for levels in self.study.sets:
                kinds = (f"{wire:g} ohm, plain", f"{wire:g} ohm, gain")
                plain, gain = (
                    selected(rows, "mean", hidden=wide, levels=levels.name, wires=kind)
                    for kind in kinds
                )
                texts.append(f"{levels.name} µS: {shown(plain)} (with gain {shown(gain)})")
            found[f"wires_{wire:g}"] = "; ".join(texts)
        return found

    def _gains(self, hidden: int, rows: list[dict[str, str]]) -> dict[str, str]:
        """Aware training less rounding-aware training, seed by seed, at every spread."""
        found = {}
        for levels in (levels for levels in self.study.sets if levels.aware):
            for sigma in self.study.sigmas:
                at: dict[str, str | float] = {
                    "hidden": hidden,
                    "levels": levels.name,
                    "sigma": sigma,
                    "wires": "none",
                }
                without = selected(rows, "mean", arm="rounding-aware", **at)
                gains = [
                    f"x {factor:g}:"
                    f" {shown(paired(selected(rows, 'mean', arm=arm, **at), without), '')}"
                    for factor in levels.aware
                    for arm in [f"aware x {factor:g}"]
                ]
                name = (
                    f"gain of aware training, {hidden} hidden, {levels.name} µS, spread x {sigma:g}"
                )
                found[name] = f"{shown(without)}; points with " + ", ".join(gains)
        return found

    def _set(self, digital: _Digital, levels: LevelSet) -> None:
        arms: dict[str, float | None] = {"rounded": None, "rounding-aware": 0.0}
        arms |= {f"aware x {factor:g}": factor for factor in levels.aware}
        for name, factor in arms.items():
            arm = _Arm(digital, levels, factor)
            where: Row = {
                "hidden": digital.hidden,
                "levels": levels.name,
                "arm": name,
                "seed": digital.seed,
            }
            for sigma in self.study.sigmas:
                self.rows.case(
                    {**where, "sigma": sigma, "wires": "none"},
                    partial(arm.result, sigma),
                )
            if factor == 0.0:
                for wire in self.study.wires:
                    for kind in ("plain", "gain"):
                        self.rows.case(
                            {**where, "sigma": 1.0, "wires": f"{wire:g} ohm, {kind}"},
                            partial(arm.through_wires, wire, kind),
                        )


@dataclass(frozen=True)
class _Digital:
    """A network trained in floating point, when it is first needed."""

    study: RramLevelsStudy
    images: Images
    hidden: int
    seed: int

    @cached_property
    def network(self) -> nn.Sequential:
        sizes = (self.images.pixels + 1, self.hidden, self.images.classes)
        layers = multilayer_perceptron(sizes, self.seed, bias=False)
        network = nn.Sequential(WithConstant(), *list(layers)[1:])
        return trained(network, self.images, self.settings(self.study.epochs, 3e-3))

    def settings(self, epochs: int, rate: float) -> TrainSettings:
        return TrainSettings(epochs, self.study.batch, rate, self.seed)

    def result(self) -> Row:
        accuracy = torch.tensor([digital_accuracy(self.network, self.images)])
        return {"weight_levels": "float", "pair_uS": 0.0, **figures(accuracy.numpy())}


@dataclass(frozen=True)
class _Arm:
    """One training of one network on the levels of one set."""

    digital: _Digital
    levels: LevelSet
    factor: float | None

    @cached_property
    def network(self) -> nn.Module:
        study = self.digital.study
        settings = TileSettings(self.levels.conductances, self.levels.weight_clip)
        network = on_tiles(self.digital.network, self.digital.images, study.tile, settings)
        if self.factor is None:
            return network
        disturbance = study.spread(self.factor) if self.factor else None
        tuning = self.digital.settings(study.tuning_epochs, 1e-3)
        return tuned(network, self.digital.images, tuning, disturbance)

    def result(self, sigma: float) -> Row:
        study = self.digital.study
        # Without spread all chips are the same.
        count = study.chips if sigma else 1
        chips = program_chips(self.network, count, study.spread(sigma), FIRST_CHIP)
        return {**self._cells, **figures(on_chips(self.network, self.digital.images, chips))}

    def through_wires(self, ohm: float, kind: str) -> Row:
        """Accuracy with the drop along wires of this resistance."""
        study, images = self.digital.study, self.digital.images
        network = copy.deepcopy(self.network)
        wires = {"input_line_resistance": ohm, "output_line_resistance": ohm}
        tile = study.tile.model_copy(update={"wires": study.tile.wires.model_copy(update=wires)})
        surrogate = LineModeGalerkin.from_spec(tile, TileCell(tile).current)
        if kind == "gain":
            calibrate_gain(network, images.train_images[:TYPICAL], surrogate)
        chips = program_chips(network, study.chips, study.spread(1.0), FIRST_CHIP)
        some = images.first(None, study.wire_images)
        found = evaluate(
            network, some.test_images, some.test_labels, chips, surrogate, settings=PARTS
        )
        return {**self._cells, **figures(found.of())}

    @cached_property
    def _cells(self) -> Row:
        """Levels of a weight, and the mean conductance of a pair [uS]: what its current follows."""
        pairs = torch.cat([_pairs(layer) for layer in analog_layers(self.network)])
        differences = torch.unique((1e9 * (pairs[:, 0] - pairs[:, 1])).round())
        return {"weight_levels": len(differences), "pair_uS": 1e6 * float(pairs.sum(-1).mean())}


@torch.no_grad()
def _pairs(layer: AnalogLayer) -> Float[Tensor, "weights 2"]:
    """Conductances of every weight's pair of cells [S]."""
    m = layer.mapping
    unit = (layer.weight.flatten(1) / layer.largest_weight()).clamp(-1.0, 1.0)
    return m.cells.cells(unit, m.g_min, m.g_max, m.levels).flatten(0, 1)
