"""Phase-change cells of a conductance-ratio multiplier: what drifts, cell by cell.

Every cell is one instance of the compiled phase-change model with three numbers of its own,

    x... line 0 pcm x_init=<programmed state> nu=<drift exponent> age={elapsed}

so that drift is in the netlist, and one `.param elapsed=...` of the deck moves all cells together
through time. Below the threshold voltage the model conducts

    I = G (age / t0)^-nu a(T) V0 sinh(V / V0) / s,     V0 = 2 u_a k T / (q dz)

where G is the conductance that was programmed, read as I/V at the card's read voltage at the age
t0, a(T) the thermal activation, and s = sinh(v)/v with v = read voltage / V0. All cells at one
voltage have the same shape: that makes a bit line's current the sum of the conductances times one
function of the voltage, and it is why only ratios of conductances are left in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from jaxtyping import Bool, Float

from compact_models import Device, load_card, load_model
from compact_models.errors import InputError, SpecError
from compact_models.variability import Population
from netlists.schematic import Schematic


MODEL = "pcm"
OWN = ("x_init", "nu", "age")  # what each instance sets
ELAPSED = "elapsed"  # the deck's parameter: time since programming [s]
BOLTZMANN = 1.3806503e-23 / 1.602176462e-19  # eV / K, with the numbers that the model uses


@dataclass(frozen=True, eq=False)
class PhaseChangeCells:
    """Programmed phase-change cells.

    Attributes:
        card: name of a card of the model `pcm`.
        conductance: at the age t0 of the card, I/V at its read voltage [S]; 0 means no cell.
        exponent: drift exponent of each cell.

    Raises:
        SpecError: the card is of another model.
        InputError: conductance and exponent differ in shape, or a conductance is negative.
    """

    card: str
    conductance: Float[np.ndarray, "*cells"]
    exponent: Float[np.ndarray, "*cells"]

    def __post_init__(self) -> None:
        if load_card(self.card).model != MODEL:
            raise SpecError(
                f"the card {self.card} is of the model {load_card(self.card).model}; cells that "
                f"drift are of the model {MODEL}; choose one of its cards"
            )
        if self.conductance.shape != self.exponent.shape or (self.conductance < 0).any():
            raise InputError(
                f"conductances {self.conductance.shape} and drift exponents {self.exponent.shape} "
                "are given, some perhaps negative; give one exponent per cell and conductances "
                "from 0 up"
            )

    @classmethod
    def drawn(cls, card: str, target: Float[np.ndarray, "*cells"], seed: int) -> PhaseChangeCells:
        """Cells of one chip: programmed to targets [S] and drifting with the card's spreads."""
        population = Population(load_card(card), target.size, seed)
        left = population.programmed(target.ravel())
        return cls(
            card, left.reshape(target.shape), population.exponents(left).reshape(target.shape)
        )

    @classmethod
    def uniform(cls, card: str, conductance: np.ndarray, exponent: float) -> PhaseChangeCells:
        """Cells that all drift with the same exponent."""
        values = np.array(conductance, dtype=np.float64)
        return cls(card, values, np.full_like(values, exponent))

    def where(self, chosen: Bool[np.ndarray, "*cells"]) -> PhaseChangeCells:
        """The same cells without those that are not chosen."""
        return replace(self, conductance=np.where(chosen, self.conductance, 0.0))

    @property
    def device(self) -> Device:
        """The compiled model with the card's numbers, at the card's temperature."""
        return _device(self.card)

    @property
    def birth(self) -> float:
        """The age at which the conductances were programmed, t0 [s]."""
        return self.device.card.values["t0"]

    @cached_property
    def states(self) -> Float[np.ndarray, "*cells"]:
        """The model's amorphous share that gives each conductance; 0 where there is no cell.

        Raises:
            CardError: a conductance outside of the card's range.
        """
        present = self.conductance > 0.0
        states = np.zeros_like(self.conductance)
        states[present] = self.device.parameter_for(self.conductance[present])
        return states

    # -- the law

    def scale_voltage(self, temperature: float) -> float:
        """V0 of the hyperbolic sine [V]."""
        values = self.device.card.values
        return 2.0 * values["u_a"] / values["dz"] * BOLTZMANN * temperature

    def activation(self, temperature: float) -> float:
        """How much better the cells conduct than at the temperature of the card."""
        values = self.device.card.values
        here, there = 1.0 / temperature, 1.0 / self.device.temperature
        return float(np.exp(-values["Ea"] / BOLTZMANN * (here - there)))

    def shape(
        self, voltage: Float[np.ndarray, "*shape"] | float, temperature: float
    ) -> Float[np.ndarray, "*shape"]:
        """Current of a cell with 1 S that has not drifted [A], below the threshold voltage."""
        own, read = self.scale_voltage(temperature), self.device.range.read_voltage
        there = self.scale_voltage(self.device.temperature)
        flat = np.sinh(read / there) / (read / there)
        return np.asarray(self.activation(temperature) * own * np.sinh(voltage / own) / flat)

    def aged(self, elapsed: float) -> Float[np.ndarray, "*cells"]:
        """Conductances after a time [s], as the card reads them [S]."""
        return np.asarray(self.conductance * (elapsed / self.birth) ** -self.exponent)

    def current(
        self, voltage: float, elapsed: float, temperature: float
    ) -> Float[np.ndarray, "*cells"]:
        """Currents at one voltage across every cell [A]."""
        return np.asarray(self.aged(elapsed) * self.shape(voltage, temperature))

    # -- the netlist

    @property
    def definition(self) -> str:
        """The compiled subcircuit, its states held: a read does not move them."""
        return _compiled(self.card)

    def place(self, draw: Schematic, name: str, nets: tuple[str, str], cell: tuple) -> None:
        """Draw one cell between two nets; `cell` is its index."""
        draw.compiled(
            name,
            nets,
            MODEL,
            self.definition,
            x_init=float(self.states[cell]),
            nu=float(self.exponent[cell]),
            age=f"{{{ELAPSED}}}",
        )

    def place_unit(self, draw: Schematic, name: str, nets: tuple[str, str]) -> None:
        """Draw the cell that `share` refers to: all crystalline, and as if just programmed."""
        draw.compiled(name, nets, MODEL, self.definition, x_init=0.0, nu=0.0, age=self.birth)

    def share(self, cell: tuple) -> str:
        """The conductance of a cell over that of the unit cell, as an expression of the deck."""
        values = self.device.card.values
        programmed = (values["G_reset"] / values["G_set"]) ** float(self.states[cell])
        age = f"{ELAPSED}/{self.birth!r}"
        return f"{{{programmed!r}*exp(-{float(self.exponent[cell])!r}*ln({age}))}}"


@cache
def _device(card_name: str) -> Device:
    """The compiled model with the numbers of a card."""
    card = load_card(card_name)
    return Device(load_model(MODEL), card, temperature=card.temperature)


@cache
def _compiled(card_name: str) -> str:
    """The subcircuit of a card's cells; one text, so that a deck holds it once."""
    values = {k: v for k, v in _device(card_name).card.values.items() if k not in OWN}
    return load_model(MODEL).to_ngspice(frozen=True, values=values)


def elapsed_line(elapsed: float) -> str:
    """The line of a deck that says how old all its cells are [s]."""
    return f".param {ELAPSED}={float(elapsed)!r}"
