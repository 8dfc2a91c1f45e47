"""How devices, arrays, converters and training share the blame for a network's accuracy.

After Q. Wang, Y. Park, W. D. Lu, "Device variation effects on neural network inference accuracy in
analog in-memory computing systems", Advanced Intelligent Systems 4(8), 2022
(10.1002/aisy.202100199). One factor is swept at a time around a nominal design: spread of the cells
(static: one draw per chip), ratio of the largest to the smallest conductance, rows of an array,
bits and range of the converters, and how a signed weight is represented (a differential pair, or
one cell against a reference column); then training that knows of all this.

For weights around zero and a spread s relative to the conductance, theory gives an error of a
weight, relative to the largest one, of s (r + 1) / (r - 1) for one cell against an exact reference
and of sqrt(2) s / (r - 1) for a pair, r the on/off ratio: pairs win, by more the larger the ratio.
A reference of one column of cells errs as much again, for all outputs alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from torch import nn

from cosim.nn import (
    AbstractSchedule,
    Adc,
    Constant,
    Converters,
    Cosine,
    DifferentialPairs,
    NonIdealities,
    OffsetColumn,
    OneCycle,
    ProgrammingError,
    Steps,
    TileSettings,
    TrainSettings,
    calibrate_converters,
    program_chips,
)
from cosim.report import Axis, LineChart
from cosim.studies.arms import (
    AUGMENT,
    FIGURES,
    TYPICAL,
    ShiftedAndMirrored,
    digital_accuracy,
    figures,
    from_scratch,
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


Signed = Literal["pair", "reference"]
Subtraction = Literal["analog", "digital"]
KEYS = ("sweep", "signed", "spread", "on_off", "rows", "bits", "coverage", "subtraction", "trained")
FIRST_CHIP = 9000
SCHEDULES: dict[str, AbstractSchedule] = {
    "constant": Constant(),
    "step": Steps(),
    "cosine": Cosine(),
    "one-cycle": OneCycle(),
}


@dataclass(frozen=True)
class Design:
    """One point of the study.

    Attributes:
        sweep: which sweep it belongs to.
        signed: how a signed weight is represented.
        spread: standard deviation of a cell's conductance relative to it.
        on_off: largest conductance over the smallest.
        rows: of an array.
        bits: of the converters; 0 for none.
        coverage: part of the signals of typical inputs that the converters' range holds.
        subtraction: of columns, before or after conversion.
        trained: how training went on: "no", or the spread and the schedule of the rate.
        training_spread: spread that training injects; None for no training.
        schedule: of the learning rate.
    """

    sweep: str
    signed: Signed = "pair"
    spread: float = 0.1
    on_off: float = 10.0
    rows: int = 128
    bits: int = 0
    coverage: float = 1.0
    subtraction: Subtraction = "analog"
    training_spread: float | None = field(default=None)
    schedule: str = "one-cycle"

    @property
    def trained(self) -> str:
        """How training went on."""
        spread = self.training_spread
        return "no" if spread is None else f"spread {spread:g}, {self.schedule} rate"

    def key(self) -> Row:
        """The columns that name it."""
        return {name: getattr(self, name) for name in KEYS}


class DeviceVariationStudy(ImageStudy):
    """The study.

    Attributes:
        network: its name.
        tile: specification of the tile; rows and the lowest conductance are swept.
        levels: of a cell.
        spreads: of the cells.
        on_offs: ratios of the largest to the smallest conductance.
        rows: of an array.
        bits: of the converters.
        coverages: parts of the signals that the converters' range holds.
        training_spreads: what training injects.
        schedules: of the learning rate.
        epochs: of the training in floating point.
        tuning_epochs: of the training on tiles.
        seed: of the training.
        chips: per point.
        augmented: whether training images are moved and mirrored.
    """

    network: NetworkName
    tile: TileSpec
    levels: Annotated[int, Field(ge=2)]
    spreads: tuple[NotNegative, ...]
    on_offs: tuple[Positive, ...]
    rows: tuple[int, ...]
    bits: tuple[int, ...]
    coverages: tuple[Positive, ...]
    training_spreads: tuple[NotNegative, ...]
    schedules: tuple[Literal["constant", "step", "cosine", "one-cycle"], ...]
    epochs: Annotated[int, Field(ge=1)]
    tuning_epochs: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)] = 0
    chips: Annotated[int, Field(ge=1)]
    augmented: Annotated[bool, later(False)] = False

    def designs(self) -> Iterator[Design]:
        """Every point, sweep by sweep."""
        kinds: tuple[Signed, ...] = ("pair", "reference")
        for signed in kinds:
            for spread in self.spreads:
                yield Design("spread", signed, spread)
            for on_off in self.on_offs:
                yield Design("on/off ratio", signed, on_off=on_off)
            subtractions: tuple[Subtraction, ...] = ("analog", "digital")
            for subtraction in subtractions:
                exact = Design("converters", signed, 0.0, subtraction=subtraction)
                for bits in self.bits:
                    yield dataclasses.replace(exact, bits=bits)
                    yield dataclasses.replace(exact, bits=bits, on_off=2.0)
                for rows in self.rows:
                    yield dataclasses.replace(exact, sweep="rows", bits=5, rows=rows)
                for coverage in self.coverages:
                    yield dataclasses.replace(exact, sweep="range", bits=4, coverage=coverage)
        yield from self._trained_designs()

    def _trained_designs(self) -> Iterator[Design]:
        """Points that are trained further with their own tiles in the forward pass."""
        for training in self.training_spreads:
            for spread in self.spreads:
                yield Design("training", "reference", spread, training_spread=training)
        for schedule in self.schedules:
            largest = max(self.training_spreads)
            yield Design(
                "schedule", "reference", largest, training_spread=largest, schedule=schedule
            )
        # The worst designs of the others: few bits, low ratio, subtraction after conversion.
        kinds: tuple[Signed, ...] = ("reference", "pair")
        for signed in kinds:
            worst = Design("architecture", signed, 0.0, 2.0, bits=4, subtraction="digital")
            yield worst
            yield dataclasses.replace(worst, training_spread=0.0)


@dataclass(frozen=True)
class DeviceVariation(ImageRun[DeviceVariationStudy]):
    """A run of the study."""

    keys: ClassVar[tuple[str, ...]] = KEYS
    values: ClassVar[tuple[str, ...]] = FIGURES

    def run(self) -> None:
        """Every point that is not in the table yet."""
        digital = Design("floating point", spread=0.0, on_off=0.0, rows=0)
        self.rows.case(
            digital.key(), lambda: figures(np.array([digital_accuracy(self.digital, self.images)]))
        )
        for design in self.study.designs():
            self.rows.case(design.key(), partial(self.result, design))

    @cached_property
    def digital(self) -> nn.Sequential:
        """The network, trained in floating point."""
        seed = self.study.seed
        network = convolutional(self.study.network, self.images.shape, seed)
        settings = from_scratch(self.study.epochs, seed, augmented=self.study.augmented)
        return trained(network, self.images, settings, self._augment)

    @property
    def _augment(self) -> ShiftedAndMirrored | None:
        return AUGMENT if self.study.augmented else None

    def result(self, design: Design) -> Row:
        """Accuracy of the chips of one point."""
        # Points that differ in nothing but the chips' own spread share their network.
        shared = dataclasses.replace(design, spread=0.0, sweep="")
        if shared not in self.networks:
            self.networks.clear()
            self.networks[shared] = self.network_of(design)
        network = self.networks[shared]
        count = self.study.chips if design.spread else 1
        chips = program_chips(network, count, self.devices_of(design), FIRST_CHIP)
        return figures(on_chips(network, self.images, chips))

    @cached_property
    def networks(self) -> dict[Design, nn.Module]:
        """The last network, by its design without the spread of chips."""
        return {}

    def network_of(self, design: Design) -> nn.Module:
        """The network of one point on its tiles, before it is programmed."""
        study, tile = self.study, self._tile(design)
        settings = TileSettings(
            study.levels,
            3.0,
            mapping=DifferentialPairs() if design.signed == "pair" else OffsetColumn(),
            converters=Converters(adc=_adc(design)),
        )
        network = on_tiles(self.digital, self.images, tile, settings)
        if design.training_spread is None:
            return network
        schedule = SCHEDULES[design.schedule]
        tuning = TrainSettings(study.tuning_epochs, 128, 1e-3, study.seed, schedule=schedule)
        devices = _devices(tile, design.training_spread)
        network = tuned(network, self.images, tuning, devices, augment=self._augment)
        calibrate_converters(network, self.images.train_images[:TYPICAL])
        return network

    def devices_of(self, design: Design) -> NonIdealities | None:
        """What spoils the cells of its chips."""
        return _devices(self._tile(design), design.spread)

    def _tile(self, design: Design) -> TileSpec:
        tile = self.study.tile
        low = tile.cell.conductance_max / design.on_off
        cell = tile.cell.model_copy(update={"conductance_min": low})
        return tile.model_copy(update={"cell": cell, "rows": design.rows})

    def chart(self) -> LineChart:
        """Accuracy over the spread of the cells: both mappings, and training for the worse one."""
        rows = self.rows.all
        names = {"pair": "differential pairs", "reference": "one cell against a reference"}
        curves = [
            curve(name, rows, "spread", sweep="spread", signed=signed)
            for signed, name in names.items()
        ]
        curves += [
            curve(
                f"{names['reference']}, trained with a spread of {spread:g}",
                rows,
                "spread",
                dashed=True,
                sweep="training",
                trained=Design("training", training_spread=spread).trained,
            )
            for spread in self.study.training_spreads
        ]
        axis = Axis("spread of a conductance relative to it")
        return LineChart(axis, Axis("accuracy", "%"), tuple(curves))

    def figures(self) -> dict[str, str]:
        """What the study comes to, by the names of the published figures."""
        rows = self.rows.all
        found = {"float": shown(selected(rows, "mean", sweep="floating point"))}
        columns = {
            "spread": "spread",
            "on/off ratio": "on_off",
            "converters": "bits",
            "rows": "rows",
            "range": "coverage",
            "training": "trained",
            "schedule": "trained",
            "architecture": "trained",
        }
        for sweep, column in columns.items():
            lines: dict[str, list[str]] = {}
            for row in (row for row in rows if row["sweep"] == sweep):
                label = f"{sweep}: {row['signed']}"
                if sweep in {"converters", "rows", "range"}:
                    label += f", {row['subtraction']} subtraction, on/off {row['on_off']}"
                if sweep == "training":
                    label += f", spread {row['spread']}"
                value = f"{float(row['mean']):.2f} ± {float(row['std']):.2f}"
                lines.setdefault(label, []).append(f"{row[column]}: {value}")
            found |= {label: "; ".join(values) for label, values in lines.items()}
        return found


def _adc(design: Design) -> Adc | None:
    if not design.bits:
        return None
    return Adc(design.bits, coverage=design.coverage, subtraction=design.subtraction)


def _devices(tile: TileSpec, spread: float) -> NonIdealities | None:
    if not spread:
        return None
    error = ProgrammingError(0.0, 0.0, 2 * tile.cell.conductance_max, spread)
    return NonIdealities((error,))
