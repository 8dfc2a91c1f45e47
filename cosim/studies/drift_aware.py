"""Networks of phase-change cells over time: training that knows of drift, and cells that undo it.

After A. Antolini et al., "Combined HW/SW drift and variability mitigation for PCM-based analog
in-memory computing for neural network applications", IEEE JETCAS 13(1), 2023
(10.1109/JETCAS.2023.3241750). LeNet-5 with pairs of cells of four levels, read with noise, at times
from a second to a week after programming.

    conventional         trained in floating point, rounded to the levels afterwards; the largest
                         weight of each layer is the one with the least rounding error
    best rounded         the same, with the largest weights that do best on training images
    rounding-aware       trained further with the levels in the forward pass
    device-aware         the same, with spread, read noise and drift at a random time as well

Every arm is measured with and without compensation on the same chips and images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from torch import nn

from cosim.datasets import Images
from cosim.nn import (
    AbstractCompensation,
    Adc,
    Converters,
    Drift,
    NonIdealities,
    ProgrammingError,
    RatioCell,
    ReadNoise,
    ReferenceCells,
    TileSettings,
    TrainSettings,
    calibrate_converters,
    evaluate,
    program_chips,
)
from cosim.report import Axis, LineChart
from cosim.studies.arms import (
    AUGMENT,
    FIGURES,
    PARTS,
    TYPICAL,
    ShiftedAndMirrored,
    clipped_for_least_error,
    clipped_for_least_loss,
    digital_accuracy,
    figures,
    from_scratch,
    on_tiles,
    trained,
    tuned,
)
from cosim.studies.networks import NetworkName, convolutional
from cosim.studies.rows import Row
from cosim.studies.script import curve, paired, selected, shown
from cosim.studies.spec import ImageStudy
from cosim.studies.study_run import ImageRun
from netlists.fields import NotNegative, Positive
from netlists.specs import TileSpec


KEYS = ("arm", "seed", "exponent", "compensation", "time")
ARMS = ("conventional", "rounding-aware", "device-aware", "best rounded")
FIRST_CHIP = 5000


class DriftAwareStudy(ImageStudy):
    """The study.

    Attributes:
        network: its name.
        augmented: whether training images are moved and mirrored.
        tile: specification of the tile.
        levels: of a cell, evenly spaced.
        programming_spread: standard deviation after programming, relative to the conductance.
        read_noise: standard deviation from read to read, relative to the conductance.
        exponents: means of the cells' drift exponents.
        exponent_spread: standard deviation of the exponents from cell to cell.
        training_exponent: mean exponent that device-aware training assumes.
        times: since programming [s].
        references: reference cells whose mean decay is the compensation.
        adc_bits: of the converters, whose range is fixed after training.
        epochs: of the training in floating point.
        tuning_epochs: of the training on tiles.
        seeds: training seeds.
        chips: per point.
    """

    network: NetworkName
    augmented: bool
    tile: TileSpec
    levels: Annotated[int, Field(ge=2)]
    programming_spread: NotNegative
    read_noise: NotNegative
    exponents: tuple[NotNegative, ...]
    exponent_spread: NotNegative
    training_exponent: NotNegative
    times: tuple[Positive, ...]
    references: Annotated[int, Field(ge=1)]
    adc_bits: Annotated[int, Field(ge=2)]
    epochs: Annotated[int, Field(ge=1)]
    tuning_epochs: Annotated[int, Field(ge=1)]
    seeds: Annotated[int, Field(ge=1)]
    chips: Annotated[int, Field(ge=1)]

    def devices(self, exponent: float) -> NonIdealities:
        """What spoils the cells of a chip whose mean drift exponent is this."""
        cell = self.tile.cell
        spread = ProgrammingError(
            0.0, cell.conductance_min / 2, 1.5 * cell.conductance_max, self.programming_spread
        )
        drift = Drift(exponent, self.exponent_spread, t0=1.0, longest=max(self.times))
        return NonIdealities((spread,), drift=drift, read_noise=ReadNoise(self.read_noise))

    def compensations(self) -> dict[str, AbstractCompensation | None]:
        """None, the mean of reference cells, and the circuit of a ratio cell."""
        return {
            "none": None,
            "reference cells": ReferenceCells(self.references),
            "ratio cell": RatioCell(self.references),
        }


@dataclass(frozen=True)
class DriftAware(ImageRun[DriftAwareStudy]):
    """A run of the study."""

    keys: ClassVar[tuple[str, ...]] = KEYS
    values: ClassVar[tuple[str, ...]] = FIGURES

    def run(self) -> None:
        """Every case that is not in the table yet."""
        for seed in range(self.study.seeds):
            networks = _Networks(self.study, self.images, seed)
            where: Row = {"seed": seed, "exponent": 0.0, "compensation": "none", "time": 0.0}
            self.rows.case({"arm": "float", **where}, networks.digital_result)
            for arm in ARMS:
                for exponent in self.study.exponents:
                    for name, compensation in self.study.compensations().items():
                        for time in self.study.times:
                            case: Row = {
                                "arm": arm,
                                "seed": seed,
                                "exponent": exponent,
                                "compensation": name,
                                "time": time,
                            }
                            self.rows.case(
                                case,
                                partial(networks.result, case, compensation),
                            )

    def chart(self) -> LineChart:
        """Accuracy over time, with and without the ratio cell."""
        exponent = self.study.training_exponent
        curves = tuple(
            curve(
                f"{arm}, compensation: {name}",
                self.rows.all,
                "time",
                dashed=name == "none",
                arm=arm,
                exponent=exponent,
                compensation=name,
            )
            for arm in ARMS
            for name in ("none", "ratio cell")
        )
        axis = Axis("time since programming", "s", log=True)
        return LineChart(axis, Axis("accuracy", "%"), curves)

    def figures(self) -> dict[str, str]:
        """What the study comes to, by the names of the published figures."""
        found = {"float": shown(selected(self.rows.all, "mean", arm="float"))}
        end = max(self.study.times)
        for exponent in self.study.exponents:
            both = {
                (arm, name): selected(
                    self.rows.all, "mean", arm=arm, exponent=exponent, compensation=name, time=end
                )
                for arm in ARMS
                for name in self.study.compensations()
            }
            label = f"exponent {exponent:g}, after {end:g} s"
            for arm in ARMS:
                found[f"{arm}, {label}"] = ", ".join(
                    f"{name}: {shown(both[arm, name])}" for name in self.study.compensations()
                )
            none, cell = "no compensation", "ratio cell"
            aware, circuit = both["device-aware", "none"], both["device-aware", cell]
            differences = {
                f"device-aware less conventional, {none}": (aware, both["conventional", "none"]),
                f"device-aware, {cell}, less conventional, {none}": (
                    circuit,
                    both["conventional", "none"],
                ),
                **{
                    f"device-aware less {arm}, {cell}": (circuit, both[arm, cell])
                    for arm in ("conventional", "best rounded", "rounding-aware")
                },
            }
            for name, (one, other) in differences.items():
                found[f"{name}, {label}"] = shown(paired(one, other), " points")
        return found


@dataclass(frozen=True)
class _Networks:
    """The networks of one training seed, each trained when it is first needed."""

    study: DriftAwareStudy
    images: Images
    seed: int

    @property
    def _augment(self) -> ShiftedAndMirrored | None:
        return AUGMENT if self.study.augmented else None

    @cached_property
    def digital(self) -> nn.Sequential:
        augmented = self.study.augmented
        settings = from_scratch(self.study.epochs, self.seed, augmented=augmented)
        return trained(
            convolutional(self.study.network, self.images.shape, self.seed),
            self.images,
            settings,
            self._augment,
        )

    @cached_property
    def conventional(self) -> nn.Module:
        return self._rounded(least_loss=False)

    @cached_property
    def best_rounded(self) -> nn.Module:
        return self._rounded(least_loss=True)

    def _rounded(self, *, least_loss: bool) -> nn.Module:
        converters = Converters(adc=Adc(self.study.adc_bits))
        settings = TileSettings(self.study.levels, 2.5, converters=converters)
        network = on_tiles(self.digital, self.images, self.study.tile, settings)
        clipped_for_least_error(network)
        if least_loss:
            clipped_for_least_loss(network, self.images)
        # Other largest weights make other currents.
        calibrate_converters(network, self.images.train_images[:TYPICAL])
        return network

    def arm(self, name: str) -> nn.Module:
        """The network of an arm."""
        return self._arms[ARMS.index(name)]()

    @property
    def _arms(self) -> tuple:
        return (
            lambda: self.conventional,
            lambda: self.rounding_aware,
            lambda: self.device_aware,
            lambda: self.best_rounded,
        )

    @cached_property
    def rounding_aware(self) -> nn.Module:
        return self._tuned(None)

    @cached_property
    def device_aware(self) -> nn.Module:
        return self._tuned(self.study.devices(self.study.training_exponent))

    def _tuned(self, disturbance: NonIdealities | None) -> nn.Module:
        settings = TrainSettings(self.study.tuning_epochs, 128, 1e-3, self.seed)
        network = tuned(
            self.conventional, self.images, settings, disturbance, augment=self._augment
        )
        calibrate_converters(network, self.images.train_images[:TYPICAL])
        return network

    def digital_result(self) -> Row:
        return figures(np.array([digital_accuracy(self.digital, self.images)]))

    def result(self, case: Row, compensation: AbstractCompensation | None) -> Row:
        """Accuracy of the chips of one case."""
        network = self.arm(str(case["arm"]))
        devices = self.study.devices(float(case["exponent"]))
        chips = program_chips(network, self.study.chips, devices, FIRST_CHIP)
        found = evaluate(
            network,
            self.images.test_images,
            self.images.test_labels,
            chips,
            times=(float(case["time"]),),
            compensation=compensation,
            settings=PARTS,
        )
        return figures(found.of())
