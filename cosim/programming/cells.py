"""An array of cells that can be programmed: what every engine has to offer an algorithm.

An algorithm gives pulses and looks at conductances. Whether the cells behind that are solved by
ngspice or by the compiled loop over arrays it does not know:

    state, energy = cells.pulse(state, Pulse(te, gate, sl, width), active, index)
    conductance   = cells.conductance(state)

Cells do not influence each other: each is programmed through its own selected lines. Their
differences (`compact_models.variability`) depend on seed, device and pulse number only, so two
engines with the same population see the same cells and the same cycle-to-cycle noise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import ArrayLike

from compact_models import Card, Device, load_card, load_model
from compact_models.errors import InputError
from compact_models.variability import Population
from cosim.progress import Advance


@dataclass(frozen=True)
class Pulse:
    """One programming pulse; voltages for all cells, or one per cell.

    Attributes:
        te: of the top electrode [V]; above `sl` it is a SET pulse.
        gate: of the access transistor [V].
        sl: of the source line, the transistor's other side [V].
        width: how long it lasts [s].
    """

    te: ArrayLike
    gate: ArrayLike
    sl: ArrayLike
    width: float


@dataclass(frozen=True)
class CellKind:
    """A 1T1R cell: which device, which transistor, at which temperature.

    Attributes:
        device: card of a memory device with one state.
        transistor: card of the access transistor.
        temperature: ambient temperature [K].
    """

    device: Card
    transistor: Card
    temperature: float = 300.15

    @classmethod
    def from_names(cls, device: str, transistor: str, temperature: float = 300.15) -> CellKind:
        """A cell by the names or paths of its cards.

        Raises:
            CardError: an unknown or faulty card.
        """
        return cls(load_card(device), load_card(transistor), temperature)

    @cached_property
    def memory(self) -> Device:
        """The device alone, for reading."""
        return Device(load_model(self.device.model), self.device, self.temperature)

    @property
    def state_parameter(self) -> str:
        """Parameter that is the state at the beginning of a pulse."""
        return self.memory.range.parameter

    @property
    def drawn(self) -> tuple[str, ...]:
        """Parameters that differ between devices or cycles, sorted."""
        return tuple(sorted({*self.device.spread, *self.device.cycle_spread}))

    @property
    def fixed_values(self) -> dict[str, float]:
        """Parameters that are the same for all devices and cycles; state and draws left out."""
        model = self.memory.model
        values = {name: parameter.default for name, parameter in model.parameters.items()}
        values |= {**self.device.values, model.system.temperature: self.temperature}
        return {n: v for n, v in values.items() if n not in {*self.drawn, self.state_parameter}}

    @property
    def transistor_values(self) -> dict[str, float]:
        """All parameters of the access transistor, with the temperature."""
        model = load_model(self.transistor.model)
        values = {name: parameter.default for name, parameter in model.parameters.items()}
        return {**values, **self.transistor.values, model.system.temperature: self.temperature}


@dataclass(frozen=True)
class AbstractCells(ABC):
    """An array of cells under programming.

    Attributes:
        kind: of all cells.
        size: number of cells.
        seed: of the devices and of every pulse's noise.
        ideal: all cells have the card's values, in every cycle.
        watch: told how many cells are done whenever an algorithm takes some out.
    """

    kind: CellKind
    size: int
    seed: int
    ideal: bool = False
    watch: Advance = field(default=lambda count: None, kw_only=True, compare=False, repr=False)

    @property
    def population(self) -> Population:
        """The devices, by which the cells differ."""
        return Population(self.kind.device, self.size, self.seed)

    @cached_property
    def device_parameters(self) -> dict[str, Float[ndarray, " size"]]:
        """Per cell, the parameters that are drawn, without cycle-to-cycle noise."""
        card, drawn = self.kind.device, {} if self.ideal else self.population.parameters()
        return {
            name: drawn.get(name, np.full(self.size, card.entries[name].value))
            for name in self.kind.drawn
        }

    def parameters(self, index: int) -> dict[str, Float[ndarray, " size"]]:
        """Per cell, the drawn parameters in one cycle."""
        factors = {} if self.ideal else self.population.cycle(index)
        return {
            name: value * factors[name] if name in factors else value
            for name, value in self.device_parameters.items()
        }

    def start(self, conductance: ArrayLike) -> Float[ndarray, " size"]:
        """The state of every cell at given conductances [S].

        Raises:
            CardError: a conductance outside of the card's range.
        """
        wanted = np.broadcast_to(np.asarray(conductance, dtype=np.float64), (self.size,))
        return self.kind.memory.parameter_for(wanted)

    @abstractmethod
    def conductance(self, state: Float[ndarray, " size"]) -> Float[ndarray, " size"]:
        """Conductance of every device alone at the card's read voltage [S]."""

    @abstractmethod
    def pulse(
        self,
        state: Float[ndarray, " size"],
        pulse: Pulse,
        active: Bool[ndarray, " size"],
        index: int,
    ) -> tuple[Float[ndarray, " size"], Float[ndarray, " size"]]:
        """Give one pulse to the active cells.

        Args:
            state: of every cell.
            pulse: what is applied.
            active: which cells are selected; the others keep their state.
            index: number of the pulse, which names the cycle-to-cycle draws.

        Returns:
            New states, and the energy that each selected cell's driver gave [J].
        """

    def relaxed(self, conductance: Float[ndarray, " size"]) -> Float[ndarray, " size"]:
        """Conductances [S] some time after programming, by the card's law of relaxation."""
        if self.ideal or "relaxation_spread" not in self.kind.device.laws:
            return conductance
        return self.population.relaxed(conductance)

    def check_targets(self, targets: Float[ndarray, " size"]) -> None:
        """Refuse targets that the device cannot have.

        Raises:
            CardError: a target outside of the card's range, or not a number.
        """
        self.kind.memory.check(targets)


def per_cell(value: ArrayLike, size: int) -> Float[ndarray, " size"]:
    """A voltage for each cell, from one for all or one per cell.

    Raises:
        InputError: another number of values.
    """
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in {(), (1,), (size,)}:
        raise InputError(
            f"a pulse has {array.shape} voltages for {size} cells; give one for all, or one each"
        )
    return np.ascontiguousarray(np.broadcast_to(array, (size,)))
