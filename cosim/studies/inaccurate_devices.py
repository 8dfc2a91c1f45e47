"""Networks on devices that are wrong: stuck cells, variation, and four ways to live with them.

After G. Charan, A. Mohanty, X. Du, G. Krishnan, R. V. Joshi, Y. Cao, "Accurate inference with
inaccurate RRAM devices: a joint algorithm-design solution", IEEE J. Explor. Solid-State Comput.
Devices Circuits 6(1), 27-35, 2020. LeNet-5 with 4-bit weights, a log-normal factor on every
conductance, and cells that are stuck.

    rounded          the network trained in floating point, on the levels
    rounding-aware   trained further with the levels in the forward pass
    aware            the same with variation and stuck cells redrawn for every batch
    taught           the same, taught by the network in floating point (distillation)

and, on every chip after it was programmed, a share of the weights in digital memory that is trained
while the cells stay as they are (`adapted`, or `adapted, taught`), or a share of the cells that are
written again with verification (`rewritten`), which mends variation but no stuck cell.

The paper leaves two things open that matter more than any of these: whether a cell or a whole
weight is stuck, and which of its two rates is that of the highest conductance. All four readings
are run.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from cosim.datasets import Images
from cosim.nn import (
    Chip,
    Distillation,
    LogNormalFactor,
    Loss,
    NonIdealities,
    StuckCells,
    TileSettings,
    TrainSettings,
    adapt,
    analog_layers,
    cross_entropy,
    importance_masks,
    program_chips,
    random_masks,
)
from cosim.programming import rewriting_seconds
from cosim.report import Axis, LineChart
from cosim.studies.arms import (
    AUGMENT,
    FIGURES,
    ShiftedAndMirrored,
    digital_accuracy,
    figures,
    on_chips,
    on_tiles,
    trained,
    tuned,
)
from cosim.studies.networks import NetworkName, convolutional
from cosim.studies.rows import Row
from cosim.studies.script import curve, selected, shown
from cosim.studies.spec import ImageStudy, later
from cosim.studies.study_run import ImageRun
from netlists.fields import NotNegative, Positive
from netlists.specs import TileSpec


KEYS = ("reading", "seed", "training", "after", "share")
TRAININGS = ("rounded", "rounding-aware", "aware", "taught")
FIRST_CHIP = 2000
BATCH = 128


class InaccurateDevicesStudy(ImageStudy):
    """The study.

    Attributes:
        network: its name.
        tile: specification of the tile.
        levels: of a cell.
        weight_clip: largest weight, in standard deviations of a layer's weights.
        sigma: of the log-normal factor.
        rates: the two published shares of stuck cells.
        temperature: of the teacher's answers.
        alpha: weight of the labels beside them.
        shares: of the weights in digital memory.
        curve_shares: the same, for the reading and seed whose whole curve is taken.
        rewritten: shares of the cells that are written again.
        epochs: of the training in floating point.
        tuning_epochs: of the training on tiles.
        adaptation_images: training images, once through, for the digital part of the weights.
        adaptation_rate: learning rate of it.
        seeds: training seeds.
        chips: the same for all arms.
        read_time: of one product on tiles [s].
        sram_write: time of one write to digital memory [s].
        cell_writes: shortest and longest time of a verified write to a cell [s].
        iterations: verified writes of a cell that is written again.
        augmented: whether training images are moved and mirrored.
        only: numbers of the readings that are run, 0 to 3; all if empty.
    """

    network: NetworkName
    tile: TileSpec
    levels: Annotated[int, Field(ge=2)]
    weight_clip: Positive
    sigma: NotNegative
    rates: tuple[NotNegative, NotNegative]
    temperature: Positive
    alpha: NotNegative
    shares: tuple[Positive, ...]
    curve_shares: tuple[Positive, ...]
    rewritten: tuple[Positive, ...]
    epochs: Annotated[int, Field(ge=1)]
    tuning_epochs: Annotated[int, Field(ge=1)]
    adaptation_images: Annotated[int, Field(ge=1)]
    adaptation_rate: Positive
    seeds: Annotated[int, Field(ge=1)]
    chips: Annotated[int, Field(ge=1)]
    read_time: Positive = 100e-9
    sram_write: Positive = 1e-9
    cell_writes: tuple[Positive, Positive] = (6.5e-6, 4.5e-3)
    iterations: Positive = 1.0
    augmented: Annotated[bool, later(False)] = False
    only: Annotated[tuple[Annotated[int, Field(ge=0, le=3)], ...], later(())] = ()

    def readings(self) -> dict[str, NonIdealities]:
        """What spoils a chip, by how the paper is read."""
        low, high = self.tile.cell.conductance_min, self.tile.cell.conductance_max
        factor = LogNormalFactor(self.sigma, 0.0, 2 * high)
        found = {}
        for swapped in (False, True):
            rates = self.rates[::-1] if swapped else self.rates
            text = f"{100 * rates[0]:g} % high, {100 * rates[1]:g} % low"
            cells = StuckCells(*rates, low, high)
            found[f"cells stuck, {text}"] = NonIdealities((factor,), cells)
            found[f"weights stuck, {text}"] = NonIdealities((factor, StuckPairs(*rates, low, high)))
        names = list(found)
        return {names[number]: found[names[number]] for number in self.only or range(len(names))}

    @property
    def augment(self) -> ShiftedAndMirrored | None:
        """What is done to training images."""
        return AUGMENT if self.augmented else None


@dataclass(frozen=True)
class StuckPairs:
    """Whole weights that are stuck: at zero, or at the largest value of their sign.

    Attributes:
        high_share: of the pairs, at the largest value.
        low_share: of the pairs, at zero.
        low: lowest conductance [S].
        high: highest conductance [S].
    """

    high_share: float
    low_share: float
    low: float
    high: float

    def draw(
        self, target: Float[Tensor, "*cells cols"], generator: torch.Generator
    ) -> Float[Tensor, "*cells cols"]:
        """Conductances [S] of which some pairs are stuck; a column without a partner is left."""
        whole = target.shape[-1] // 2 * 2
        pairs = target[..., :whole].unflatten(-1, (-1, 2))
        u = torch.rand(pairs.shape[:-1], generator=generator, dtype=torch.float64).to(pairs.device)
        larger = pairs == pairs.amax(-1, keepdim=True)
        # A weight of zero has no sign: its first cell is taken.
        larger[..., 1] &= ~larger[..., 0]
        full = torch.where(larger, self.high, self.low).to(pairs)
        stuck = torch.where((u < self.high_share)[..., None], full, pairs)
        stuck = torch.where((u >= 1.0 - self.low_share)[..., None], self.low, stuck)
        return torch.cat([stuck.flatten(-2).to(target), target[..., whole:]], -1)


@dataclass(frozen=True)
class InaccurateDevices(ImageRun[InaccurateDevicesStudy]):
    """A run of the study."""

    keys: ClassVar[tuple[str, ...]] = KEYS
    values: ClassVar[tuple[str, ...]] = FIGURES

    def run(self) -> None:
        """Every case that is not in the table yet."""
        for seed in range(self.study.seeds):
            teacher = _Teacher(self.study, self.images, seed)
            where: Row = {"seed": seed, "after": "nothing", "share": 0.0}
            self.rows.case({"reading": "none", "training": "float", **where}, teacher.result)
            for number, (name, devices) in enumerate(self.study.readings().items()):
                ladder = _Ladder(self.study, self.images, teacher, devices)
                for training in TRAININGS:
                    self._case(ladder, name, training, "nothing", 0.0)
                shares = self.study.curve_shares if not seed and not number else self.study.shares
                for share in shares:
                    for training in ("rounding-aware", "aware"):
                        self._case(ladder, name, training, "adapted", share)
                    self._case(ladder, name, "taught", "adapted, taught", share)
                if not seed and not number:
                    self._case(ladder, name, "aware", "adapted by importance", min(shares))
                    for share in self.study.rewritten:
                        self._case(ladder, name, "aware", "rewritten", share)

    def _case(self, ladder: _Ladder, reading: str, training: str, after: str, share: float) -> None:
        key: Row = {
            "reading": reading,
            "seed": ladder.teacher.seed,
            "training": training,
            "after": after,
            "share": share,
        }
        self.rows.case(key, lambda: ladder.result(training, after, share))

    def chart(self) -> LineChart:
        """Accuracy over the share of the weights that is in digital memory."""
        reading = next(iter(self.study.readings()))
        rows = [row for row in self.rows.all if row["seed"] == "0" and row["reading"] == reading]
        names = {"aware": "adapted", "taught": "adapted, taught", "rounding-aware": "adapted"}
        curves = tuple(
            curve(f"{training}, then {after}", rows, "share", training=training, after=after)
            for training, after in names.items()
        )
        axis = Axis("share of the weights in digital memory", "%")
        return LineChart(axis, Axis("accuracy", "%"), curves)

    def figures(self) -> dict[str, str]:
        """What the study comes to, by the names of the published figures."""
        rows = self.rows.all
        found = {"float": shown(selected(rows, "mean", training="float"))}
        numbers = self.study.only or range(len(self.study.readings()))
        for number, reading in zip(numbers, self.study.readings(), strict=True):
            steps = {
                training: selected(
                    rows, "mean", reading=reading, training=training, after="nothing"
                )
                for training in TRAININGS
            }
            for share in self.study.shares:
                for training, after in (
                    ("rounding-aware", "adapted"),
                    ("taught", "adapted, taught"),
                ):
                    steps[f"{training}, {after}, {100 * share:g} %"] = selected(
                        rows, "mean", reading=reading, training=training, after=after, share=share
                    )
            found[f"ladder_{number}"] = f"{reading}: " + "; ".join(
                f"{step} {shown(values)}" for step, values in steps.items()
            )
        for after in ("adapted", "adapted, taught", "adapted by importance", "rewritten"):
            chosen = [
                row
                for row in rows
                if row["after"] == after
                and row["reading"] == next(iter(self.study.readings()))
                and row["seed"] == "0"
                and row["training"] != "rounding-aware"
            ]
            found[f"curve_{after}"] = "; ".join(
                f"{100 * float(row['share']):g} %:"
                f" {float(row['mean']):.2f} ± {float(row['std']):.2f}"
                for row in chosen
            )
        found["speed"] = self._speed()
        return found

    def _speed(self) -> str:
        """Time to write all cells again, over that to adapt the smallest share of the weights."""
        study = self.study
        network = convolutional(study.network, self.images.shape, 0)
        weights = sum(p.numel() for p in network.parameters() if p.dim() > 1)
        steps = study.adaptation_images / BATCH
        stored = steps * weights * min(study.shares) * study.sram_write
        read = study.adaptation_images * _reads(network, self.images) * study.read_time
        times = [
            rewriting_seconds(2 * weights, 1.0, study.iterations, write)
            for write in study.cell_writes
        ]
        written = " to ".join(f"{time:.3g}" for time in times)
        ratios = " to ".join(f"{time / (stored + read):.2g}" for time in times)
        return (
            f"{written} s to write {2 * weights} cells one by one; {read:.2g} s of reads and"
            f" {stored:.2g} s of writes to adapt; ratio {ratios}"
        )


@torch.no_grad()
def _reads(network: nn.Sequential, images: Images) -> int:
    """Vectors that the tiles of a network are driven with for one image, one after another."""
    x, count = images.test_images[:1], 0
    for module in network:
        x = module(x)
        if isinstance(module, nn.Conv2d | nn.Linear):
            count += x[0, 0].numel()
    return count


@dataclass(frozen=True)
class _Teacher:
    """The network in floating point of one training seed, when it is first needed."""

    study: InaccurateDevicesStudy
    images: Images
    seed: int

    @cached_property
    def network(self) -> nn.Sequential:
        settings = TrainSettings(self.study.epochs, BATCH, 2e-3, self.seed)
        return trained(
            convolutional(self.study.network, self.images.shape, self.seed),
            self.images,
            settings,
            self.study.augment,
        )

    @cached_property
    def loss(self) -> Distillation:
        return Distillation(self.network, self.study.temperature, self.study.alpha)

    def result(self) -> Row:
        return figures(np.array([digital_accuracy(self.network, self.images)]))


@dataclass(frozen=True)
class _Ladder:
    """The networks of one reading and one training seed."""

    study: InaccurateDevicesStudy
    images: Images
    teacher: _Teacher
    devices: NonIdealities

    @cached_property
    def networks(self) -> dict[str, nn.Module]:
        return {}

    def network(self, training: str) -> nn.Module:
        """The network after one training."""
        if training not in self.networks:
            self.networks[training] = self._trained(training)
        return self.networks[training]

    def _trained(self, training: str) -> nn.Module:
        study = self.study
        if training == "rounded":
            settings = TileSettings(study.levels, study.weight_clip)
            return on_tiles(self.teacher.network, self.images, study.tile, settings)
        tuning = TrainSettings(study.tuning_epochs, BATCH, 1e-3, self.teacher.seed)
        disturbance = None if training == "rounding-aware" else self.devices
        loss: Loss = self.teacher.loss if training == "taught" else cross_entropy
        start = self.network("rounded")
        return tuned(start, self.images, tuning, disturbance, loss, study.augment)

    def result(self, training: str, after: str, share: float) -> Row:
        """Accuracy of the chips after what was done to them."""
        network = self.network(training)
        chips = program_chips(network, self.study.chips, self.devices, FIRST_CHIP)
        if after == "rewritten":
            chips = self._rewritten(network, chips, share)
        elif after != "nothing":
            chips = self._adapted(network, chips, after, share)
        return figures(on_chips(network, self.images, chips))

    def _adapted(
        self, network: nn.Module, chips: list[Chip], after: str, share: float
    ) -> list[Chip]:
        some = self.images.first(self.study.adaptation_images, None)
        x, labels = some.train_images, some.train_labels
        if after == "adapted by importance":
            masks = importance_masks(network, x[:1000], labels[:1000], share)
        else:
            masks = random_masks(network, share, seed=0)
        settings = TrainSettings(1, BATCH, self.study.adaptation_rate, self.teacher.seed)
        loss: Loss = self.teacher.loss if after == "adapted, taught" else cross_entropy
        # Few at a time: every chip has gradients and activations of its own.
        return [
            adapted
            for first in range(0, len(chips), 5)
            for adapted in adapt(
                network, chips[first : first + 5], x, labels, masks, settings, loss
            )
        ]

    def _rewritten(self, network: nn.Module, chips: list[Chip], share: float) -> list[Chip]:
        """The most important cells at their targets, if they are not stuck."""
        exact = program_chips(copy.deepcopy(network), 1, None, FIRST_CHIP)[0]
        some = self.images.first(1000, None)
        masks = importance_masks(network, some.train_images, some.train_labels, share)
        return [_with_targets(network, chip, exact, masks) for chip in chips]


def _with_targets(network: nn.Module, chip: Chip, exact: Chip, masks: tuple[Tensor, ...]) -> Chip:
    """A chip whose cells of masked weights hold what they were asked to hold."""
    layers = []
    for layer, cells, target, mask in zip(
        analog_layers(network), chip.layers, exact.layers, masks, strict=True
    ):
        m, ones = layer.mapping, mask.to(layer.weight)
        middle = (m.g_min + m.g_max) / 2
        chosen = (m.conductances(ones) > middle) | (m.conductances(-ones) > middle)
        layers.append(
            replace(cells, programmed=torch.where(chosen, target.programmed, cells.programmed))
        )
    return replace(chip, layers=tuple(layers))
