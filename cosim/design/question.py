"""A design question: one TOML file that says what is varied, on what, and what is asked.

    name = "adc-and-gain"
    tile = "mac_tile.toml"
    chips = 3
    images = 200

    [sweep]
    adc_bits = [4, 5, 6, 7]
    tia_gain = [1.25e3, 2.5e3, 5e3]

Which of the points keeps the accuracy within `within` of the best at least energy?
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator

from cosim.datasets import DatasetName, Images, load_images
from cosim.design.parameters import Setting, shown, tile_with
from cosim.errors import SpecError
from netlists.fields import Name, NotNegative, Positive, Spec, plain_name
from netlists.specs import TileSpec
from netlists.toml_files import read_toml, validated


Count = Annotated[int, Field(ge=1)]
Value = Annotated[
    Annotated[int, Field(ge=-(10**9), le=10**9)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | Annotated[str, Field(max_length=200)],
    Field(union_mode="left_to_right"),
]
MOST_POINTS = 1000


class PeripherySpec(Spec):
    """What a read costs beside its currents; see `cosim.design.energy`.

    Attributes:
        read_time: of one read of a tile without `[readout]` [s].
        comparator_energy: of one decision [J]; by default that of the library's StrongARM latch,
            65.8 fJ nominal (`cosim block measure strongarm`).
        amplifier_current: of each column's amplifier from its supply [A]; by default 450 uA for the
            library's two-stage amplifier (`cosim block measure two_stage_opamp`) and nothing for a
            linear one, which draws nothing.
        row_energy: of the driver of one row in one read, beside what it delivers [J].
    """

    read_time: Positive = 100e-9
    comparator_energy: NotNegative = 65.8e-15
    amplifier_current: NotNegative | None = None
    row_energy: NotNegative = 0.0


class Question(Spec):
    """A sweep over specifications of a tile, and what is asked of it.

    Attributes:
        name: what reports call it.
        tile: path of the tile's TOML file, relative to the question's own.
        sweep: values by word or path (see `cosim.design.parameters`); all combinations are points.
        within: how much accuracy may be given up, as a fraction.
        engine: `solver` solves the circuit of every read, `surrogate` uses the closed form.
        data: `digits` comes with scikit-learn; `mnist` and `cifar10` need a folder.
        network: `perceptron` with `hidden` layers, or `lenet5`.
        hidden: widths of the hidden layers of a perceptron.
        epochs: of the digital training that all points start from.
        train_images: how many training images are used; None takes all.
        images: test images that every point is tested on, the first ones.
        levels: conductance levels of a cell.
        weight_clip: largest weight, in standard deviations of a layer's; None keeps all.
        chips: draws of the programming error; the same ones at every point of equal array size.
        variation: standard deviation of a programmed conductance [S].
        seed: of everything that is drawn.
        periphery: energies that the tile's specification does not hold.
    """

    name: Name
    tile: Annotated[str, Field(min_length=1, max_length=1000)]
    sweep: dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]]
    within: Annotated[float, Field(gt=0, lt=1)] = 0.01
    engine: Literal["solver", "surrogate"] = "solver"
    data: DatasetName = "digits"
    network: Literal["perceptron", "lenet5"] = "perceptron"
    hidden: tuple[Count, ...] = (32,)
    epochs: Count = 40
    train_images: Count | None = None
    images: Count = 200
    levels: Annotated[int, Field(ge=2, le=256)] = 16
    weight_clip: Positive | None = 2.5
    chips: Annotated[int, Field(ge=1, le=1000)] = 3
    variation: NotNegative = 2e-6
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0
    periphery: PeripherySpec = PeripherySpec()

    _plain_name = field_validator("name")(plain_name)

    @field_validator("sweep")
    @classmethod
    def _not_too_many(cls, sweep: dict[str, tuple[Value, ...]]) -> dict[str, tuple[Value, ...]]:
        if not sweep:
            raise ValueError("give at least one list of values, such as `adc_bits = [4, 6, 8]`")
        count = 1
        for name, values in sweep.items():
            if len(set(values)) < len(values):
                raise ValueError(f"`{name}` holds a value twice; give each once")
            count *= len(values)
        if count > MOST_POINTS:
            raise ValueError(f"{count} points are asked for; give at most {MOST_POINTS}")
        return sweep

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a question.

        Raises:
            SpecError: a field is missing, unknown or out of range.
        """
        return validated(cls, read_toml(path), str(path))

    def training_hash(self) -> str:
        """Hash of what the digital network depends on."""
        fields = {"data", "network", "hidden", "epochs", "train_images", "seed"}
        return _hash(self.model_dump(mode="json", include=fields))

    def load(self, folder: Path | None) -> Images:
        """The images of the question.

        Raises:
            InputError: they need a folder and none was given.
            DatasetError: the folder does not hold them.
        """
        return load_images(self.data, folder).first(self.train_images, self.images)


@dataclass(frozen=True)
class Point:
    """One combination of settings.

    Attributes:
        settings: value by name.
        tile: with these settings.
    """

    settings: Mapping[str, Setting]
    tile: TileSpec

    def __str__(self) -> str:
        return ", ".join(shown(name, value) for name, value in self.settings.items())


def load_question(path: str | Path) -> tuple[Question, list[Point]]:
    """A question and its points, every one checked.

    Raises:
        SpecError: the question, its tile or one of the points is wrong.
    """
    question = Question.from_toml(path)
    tile = Path(path).parent / question.tile
    return question, points_of(question, read_toml(tile), tile)


def points_of(question: Question, fields: Mapping[str, object], origin: str | Path) -> list[Point]:
    """All combinations, the last parameter changing fastest.

    Args:
        question: what is varied.
        fields: of the tile, as its TOML file has them.
        origin: that file.

    Raises:
        SpecError: a point that no tile can be.
    """
    names = list(question.sweep)
    points = []
    for values in itertools.product(*question.sweep.values()):
        settings = dict(zip(names, values, strict=True))
        point = Point(settings, tile_with(fields, settings, origin))
        _refuse(point)
        points.append(point)
    return points


def _refuse(point: Point) -> None:
    """What a sweep cannot evaluate."""
    tile = point.tile
    if tile.inputs is not None and tile.inputs.coding == "pulse_width":
        raise SpecError(
            f"the tile {tile.name} codes its inputs as pulse widths, whose energy this sweep does"
            " not know; allowed are `dac` and `bit_serial`; choose one of these"
        )
    if tile.external is not None:
        raise SpecError(
            f"the tile {tile.name} is an [external] netlist; its fields do not change what is"
            " inside; give a tile that is generated"
        )


def points_hash(question: Question, points: list[Point]) -> str:
    """Hash of everything that results depend on."""
    fields = question.model_dump(mode="json", exclude={"name", "within", "sweep", "tile"})
    tiles = [point.tile.content_hash() for point in points]
    return _hash({**fields, "names": list(question.sweep), "tiles": tiles})


def _hash(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
