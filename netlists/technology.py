"""A technology: the transistors that circuit blocks are drawn with, their corners and matching.

A technology is a TOML file. It either carries two transistor models of its own, with the shifts of
each process corner, or names a foundry's library and the section of each corner:

    name = "my_pdk"                         [library]
    supply = 1.8                            file = "pdk/models.lib"
    length = 150e-9                         corners = { tt = "tt", ss = "ss", ff = "ff" }
    diffusion = 300e-9                      nmos = "nfet_01v8"
                                            pmos = "pfet_01v8"
                                            element = "x"      # a subcircuit, not a model
                                            unit = 1e-6        # its w and l are in micrometres
                                            geometry = false   # it finds its own ad, as, pd, ps

Matching follows Pelgrom (JSSC 24(5), 1989, 10.1109/JSSC.1989.572629): thresholds and currents of
two equal transistors differ with a standard deviation of A / sqrt(W L).
"""

from __future__ import annotations

import math
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from compact_models.errors import SpecError
from netlists.fields import Finite, Name, NotNegative, Positive, Spec, plain_name
from netlists.si_numbers import drawn_size
from netlists.toml_files import read_toml, validated


SHIPPED = resources.files("netlists") / "technologies"
DEFAULT = "generic_65nm"

Polarity = Literal["nmos", "pmos"]


class TransistorModel(Spec):
    """One transistor model of an own technology.

    Attributes:
        level: ngspice's model level (14 is BSIM4).
        version: version of the model.
        threshold_mismatch: A_VT of a pair [V m].
        current_mismatch: A_beta of a pair, relative [m].
        parameters: model parameters under their names in the model.
    """

    level: int
    version: Name
    threshold_mismatch: NotNegative
    current_mismatch: NotNegative
    parameters: dict[str, Finite]


class CornerShift(Spec):
    """What a process corner does: threshold shift [V] and mobility factor of each polarity."""

    nmos: tuple[Finite, Positive]
    pmos: tuple[Finite, Positive]


class Library(Spec):
    """A foundry's library.

    Attributes:
        file: the library; a relative path is taken from the technology file's folder.
        corners: process corner -> section of the library; an empty section includes the file.
        nmos: name of the n-channel transistor in the library.
        pmos: name of the p-channel transistor in the library.
        element: `m` for a model, `x` for a subcircuit.
        unit: what the library takes widths and lengths in [m].
        geometry: whether drain and source areas and perimeters are passed.
    """

    file: str
    corners: dict[str, str] = Field(min_length=1)
    nmos: Name
    pmos: Name
    element: Literal["m", "x"] = "m"
    unit: Positive = 1.0
    geometry: bool = True


class Technology(Spec):
    """The transistors that blocks are drawn with.

    Attributes:
        name: what reports call it.
        description: one line for people.
        supply: nominal supply voltage [V].
        length: shortest drawn channel [m].
        diffusion: length of a drain or source region, for junction areas [m].
        nmos: own n-channel model; none with a library.
        pmos: own p-channel model; none with a library.
        corners: own process corners.
        library: a foundry's library instead of own models.
    """

    name: Name
    description: str = ""
    supply: Positive
    length: Positive
    diffusion: Positive
    nmos: TransistorModel | None = None
    pmos: TransistorModel | None = None
    corners: dict[str, CornerShift] = Field(default_factory=dict)
    library: Library | None = None

    _plain_name = field_validator("name")(plain_name)

    @model_validator(mode="after")
    def _own_models_or_library(self) -> Self:
        own = (self.nmos is not None, self.pmos is not None, bool(self.corners))
        if self.library is None and not all(own):
            raise ValueError("give `nmos`, `pmos` and `corners`, or a `library`")
        if self.library is not None and any(own):
            raise ValueError("a technology with a `library` has no own `nmos`, `pmos`, `corners`")
        return self

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """A technology by its name among the shipped ones, or by the path of its TOML file.

        Raises:
            SpecError: no such technology, or a wrong field.
        """
        path = Path(name)
        if path.suffix != ".toml":
            with resources.as_file(SHIPPED) as folder:
                known = sorted(file.stem for file in Path(folder).glob("*.toml"))
            if str(name) not in known:
                raise SpecError(
                    f"the technology `{name}` is unknown; known are {', '.join(known)}; or give "
                    "the path of a technology's .toml file"
                )
            path = Path(str(SHIPPED / f"{name}.toml"))
        data = read_toml(path)
        library = data.get("library")
        if isinstance(library, dict) and isinstance(library.get("file"), str):
            data["library"] = {**library, "file": str((path.parent / library["file"]).resolve())}
        return validated(cls, data, str(path))

    @property
    def process_corners(self) -> tuple[str, ...]:
        """Names of the process corners; the first is the typical one."""
        return tuple(self.library.corners if self.library is not None else self.corners)

    @property
    def reads_files(self) -> bool:
        """Whether decks with these transistors name a file."""
        return self.library is not None

    def models(self, corner: str = "tt") -> tuple[str, ...]:
        """The lines that define the transistors at a process corner.

        Raises:
            SpecError: the technology has no such corner.
        """
        if corner not in self.process_corners:
            raise SpecError(
                f"the process corner `{corner}` is unknown; {self.name} has "
                f"{', '.join(self.process_corners)}"
            )
        if self.library is not None:
            section = self.library.corners[corner]
            statement = ".lib" if section else ".include"
            return (f'{statement} "{self.library.file}" {section}'.rstrip(),)
        shift = self.corners[corner]
        own: tuple[tuple[Polarity, TransistorModel | None, tuple[float, float]], ...] = (
            ("nmos", self.nmos, shift.nmos),
            ("pmos", self.pmos, shift.pmos),
        )
        return tuple(
            self._model_line(polarity, model, *moved)
            for polarity, model, moved in own
            if model is not None
        )

    def _model_line(
        self, polarity: Polarity, model: TransistorModel, threshold: float, mobility: float
    ) -> str:
        """One `.model` line; a threshold shift is of the magnitude, so it follows the sign."""
        values = dict(model.parameters)
        values["vth0"] += math.copysign(1.0, values["vth0"]) * threshold
        values["u0"] *= mobility
        words = " ".join(f"{key}={drawn_size(value)}" for key, value in values.items())
        name = self.model_name(polarity)
        return f".model {name} {polarity} level={model.level} version={model.version} {words}"

    def model_name(self, polarity: Polarity) -> str:
        """What an element calls the transistor."""
        if self.library is not None:
            return self.library.nmos if polarity == "nmos" else self.library.pmos
        return {"nmos": "nch", "pmos": "pch"}[polarity]

    def mismatch(self, polarity: Polarity, width: float, length: float) -> tuple[float, float]:
        """Standard deviations of one transistor: threshold [V] and current factor [relative].

        Two transistors differ by sqrt(2) times this. A library brings its own mismatch, if any.
        """
        model = self.nmos if polarity == "nmos" else self.pmos
        if model is None:
            return 0.0, 0.0
        root = math.sqrt(2.0 * width * length)
        return model.threshold_mismatch / root, model.current_mismatch / root
