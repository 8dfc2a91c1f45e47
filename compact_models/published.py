"""Recompute published figures from the numbers of a card.

A card's `[[published]]` rows name a quantity of this module and its arguments; the result is put
next to the value that was published. So the numbers of a card are not only written down: something
outside of the card says that they are right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compact_models.card import Card, PublishedFigure
from compact_models.catalog import load_model
from compact_models.device import Device
from compact_models.errors import CardError
from compact_models.variability import Population, ReadNoise
from compact_models.weak_reset import WeakResetPopulation, flicker_taps


Quantity = Callable[..., float]


@dataclass(frozen=True)
class Comparison:
    """A published figure and the same from the card.

    Attributes:
        card: name of the card.
        row: what was published.
        ours: recomputed, in the unit of the row.
    """

    card: str
    row: PublishedFigure
    ours: float

    @property
    def difference(self) -> float:
        """Relative deviation; absolute where the published value is zero."""
        return (self.ours - self.row.value) / (abs(self.row.value) or 1.0)

    @property
    def holds(self) -> bool:
        """Whether the deviation is within what the row tolerates."""
        if self.row.bound == "at most":
            return self.difference <= self.row.tolerance
        if self.row.bound == "at least":
            return self.difference >= -self.row.tolerance
        return abs(self.difference) <= self.row.tolerance


def compare(card: Card, quantities: Mapping[str, Quantity] | None = None) -> tuple[Comparison, ...]:
    """Recompute every published figure of a card.

    Args:
        card: the card.
        quantities: further quantities by name, for figures that need more than the device.

    Raises:
        CardError: a quantity that nobody knows.
    """
    known = {**QUANTITIES, **(quantities or {})}
    results = []
    for row in card.published:
        if row.quantity not in known:
            raise CardError(
                f"{card.name}: published {row.figure!r} asks for {row.quantity!r}; known are "
                f"{', '.join(sorted(known))}; correct the name"
            )
        arguments: dict[str, Any] = dict(row.arguments)
        results.append(Comparison(card.name, row, known[row.quantity](card, **arguments)))
    return tuple(results)


def unproven(card: Card) -> list[str]:
    """Numbers of a card that claim to be more than assumed and that no published figure backs."""
    assumed = {
        *(f"values.{n}" for n, entry in card.entries.items() if entry.status == "assumed"),
        *(f"numbers.{n}" for n, entry in card.numbers.items() if entry.status == "assumed"),
        *(f"laws.{n}" for n, law in card.laws.items() if law.status == "assumed"),
        *(f"draws.{n}" for n, law in card.draws.items() if law.status == "assumed"),
    }
    proven = {name for row in card.published for name in row.numbers}
    return [name for name in card.number_names() if name not in assumed | proven]


def value(card: Card, number: str) -> float:
    """A number that was published as such."""
    return card.number(number)


def law(card: Card, law: str, x: float) -> float:
    """A law at one point."""
    return float(card.law(law).strict(x))


def largest(card: Card, law: str) -> float:
    """The largest value of a law."""
    rule = card.law(law)
    return float(rule(np.linspace(rule.low, rule.high, 2001)).max())


def relative(card: Card, law: str, x: float) -> float:
    """A law at one point, relative to that point."""
    return float(card.law(law).strict(x)) / x


def quantile(card: Card, draw: str, share: float) -> float:
    """The value below which a share of the devices lies."""
    return float(card.draws[draw].quantile(np.array([share]))[0])


def mean(card: Card, draw: str) -> float:
    """Mean of a distribution over the devices."""
    shares = (np.arange(20_000) + 0.5) / 20_000
    return float(card.draws[draw].quantile(shares).mean())


def conductance(card: Card, voltage: float, temperature: float = 0.0, **changes: float) -> float:
    """Static conductance I/V of a two-terminal model [S].

    Args:
        card: of the device.
        voltage: across it [V].
        temperature: of the device [K]; 0 means the card's.
        **changes: parameters that differ from the card, such as the state.
    """
    model = load_model(card.model)
    values = {**card.values, **changes, model.system.temperature: temperature or card.temperature}
    kernel = model.to_numba(frozen=True)
    x = np.zeros((1, len(kernel.unknowns)))
    x[0, 0] = voltage
    defaults = {name: parameter.default for name, parameter in model.parameters.items()}
    arguments = [{**defaults, **values}[name] for name in kernel.parameters]
    return float(kernel.evaluate(x, arguments)[0, 0]) / voltage


def resistance(card: Card, voltage: float, temperature: float = 0.0, **changes: float) -> float:
    """Static resistance V/I of a two-terminal model [ohm]."""
    return 1.0 / conductance(card, voltage, temperature, **changes)


def thermal_activation(card: Card, voltage: float, low: float, high: float) -> float:
    """Activation energy of the current between two temperatures [eV]."""
    rise = conductance(card, voltage, high) / conductance(card, voltage, low)
    boltzmann = 8.617333262e-5
    return float(np.log(rise) * boltzmann / (1.0 / low - 1.0 / high))


def nonlinearity(card: Card, voltage: float, reference: float) -> float:
    """Conductance at a voltage over the one at a reference voltage."""
    return conductance(card, voltage) / conductance(card, reference)


def switching_voltage(card: Card, conductance: float, width: float, polarity: float) -> float:
    """Voltage at which a pulse switches the device alone [V].

    That is where rate times width is the length over which the conductance changes by a factor
    of e.

    Args:
        card: of a device with one state.
        conductance: where the device starts [S].
        width: of the pulse [s].
        polarity: 1 for SET, -1 for RESET.
    """
    model = load_model(card.model)
    device = Device(model, card, temperature=card.temperature)
    state = float(device.parameter_for(conductance))
    near = device.conductance(np.array([state * (1 - 1e-6), state * (1 + 1e-6)]))
    length = state * 2e-6 / abs(np.log(near[1] / near[0]))
    values = {**device.values, card.conductance.parameter: state}  # type: ignore[union-attr]
    kernel = model.to_numba(values=values)
    defaults = {name: parameter.default for name, parameter in model.parameters.items()}
    rest = [defaults[name] for name in kernel.parameters]
    low, high = 0.0, 5.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        rate = kernel.evaluate([[polarity * middle, 0.0, state]], rest)[0, 2]
        low, high = (low, middle) if abs(rate) * width > length else (middle, high)
    return high


def wire_resistance(card: Card, pitch: float) -> float:
    """Resistance of a wire over a number of wire widths [ohm]."""
    return card.number("r") * card.number("width") * pitch


def wire_capacitance(card: Card, pitch: float) -> float:
    """Capacitance of a wire over a number of wire widths [F]."""
    return card.number("c") * card.number("width") * pitch


def drift(card: Card, time: float, conductance: float) -> float:
    """Mean remaining share of a conductance some time after programming."""
    t0, exponent = card.number("t0"), float(card.law("drift_exponent_mean")(conductance))
    return ((time + t0) / t0) ** -exponent


def worst_drift(card: Card, time: float, conductance: float, devices: float) -> float:
    """Largest loss of conductance among a number of devices some time after programming."""
    population = Population(card, int(devices), seed=1)
    programmed = np.full(population.size, conductance)
    return float(1.0 - population.aged(programmed, time).min() / conductance)


def read_noise(card: Card, conductance: float, time: float) -> float:
    """Relative standard deviation of the 1/f read noise."""
    noise = ReadNoise(Population(card, 1, 0))
    return float(noise.flicker_spread(np.array([conductance]), time)[0]) / conductance


def read_noise_absolute(card: Card, conductance: float, time: float) -> float:
    """Standard deviation of the 1/f read noise [S]."""
    return read_noise(card, conductance, time) * conductance


def weak_reset_resistance(card: Card, pulses: float, share: float) -> float:
    """Resistance [ohm] below which a share of cells lies after weak RESET pulses, noise off."""
    population = WeakResetPopulation(card, 20_000, seed=1, telegraph=False, flicker=False)
    count = np.full(population.size, int(pulses))
    state = population.advance(population.start(), count)
    return float(np.quantile(population.resistance(state), share))


def weak_reset_spread(card: Card, pulses: float) -> float:
    """Standard deviation over the cells of ln(R/R0) after weak RESET pulses, noise off."""
    population = WeakResetPopulation(card, 20_000, seed=1, telegraph=False, flicker=False)
    state = population.advance(population.start(), np.full(population.size, int(pulses)))
    return float(population.logarithm(state).std())


def telegraph_share(card: Card) -> float:
    """Stationary probability of the upper telegraph state."""
    up, down = card.number("telegraph_up"), card.number("telegraph_down")
    return up / (up + down)


def flicker_mean(card: Card) -> float:
    """What the 1/f drive adds to ln R on average: its uniform numbers are not centred."""
    taps = flicker_taps(round(card.number("flicker_taps")))
    return card.number("flicker_coupling") * 0.5 * float(taps.sum())


QUANTITIES: dict[str, Quantity] = {
    function.__name__: function
    for function in (
        value, law, largest, relative, quantile, mean, conductance, resistance, nonlinearity,
        thermal_activation, switching_voltage, wire_resistance, wire_capacitance, drift,
        worst_drift, read_noise, read_noise_absolute, weak_reset_resistance, weak_reset_spread,
        telegraph_share, flicker_mean,
    )
}  # fmt: skip
