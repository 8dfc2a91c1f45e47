"""A device: a two-terminal memory model with the numbers of a card.

Current and conductance are those of the device alone, in DC, with its state held at the parameter
that the card names (for the gap model: the gap). The conductance is I/V at the card's read voltage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from compact_models.card import Card, ConductanceRange
from compact_models.errors import CardError, InputError
from compact_models.veriloga.model import CompactModel
from compact_models.veriloga.to_numba import NumbaKernel


MAX_STEPS = 200
RELATIVE_ACCURACY = 1e-13


@dataclass(frozen=True)
class Device:
    """A model with a card at one temperature.

    Attributes:
        model: the compiled model.
        card: its parameters.
        temperature: ambient temperature [K].

    Raises:
        CardError: the card is for another model, names an unknown parameter, or holds a value that
            the model does not allow.
    """

    model: CompactModel
    card: Card
    temperature: float = 300.15

    def __post_init__(self) -> None:
        if self.card.model_name != self.model.name:
            raise CardError(
                f"{self.card.name} is a card for the model {self.card.model_name!r}, given to "
                f"{self.model.name!r}; load the model that the card names, and call its module as "
                "its file"
            )
        self.model.check_values(self.card.values)
        for name, unit in self.card.units.items():
            own = self.model.parameters[name].unit
            if unit != own:
                raise CardError(
                    f"{self.card.name}: {name} is given in {unit or 'no unit'!r}; the model "
                    f"{self.model.name} has it in {own or 'no unit'!r}; convert the value"
                )

    @property
    def range(self) -> ConductanceRange:
        """What sets the conductance, and how far."""
        if self.card.conductance is None:
            raise CardError(
                f"{self.card.name} has no [conductance] table; a memory device needs one; add "
                "parameter, low, high and read_voltage"
            )
        return self.card.conductance

    @property
    def values(self) -> dict[str, float]:
        """The card's values but the one that sets the conductance, and the temperature."""
        own = {n: v for n, v in self.card.values.items() if n != self.range.parameter}
        return {**own, self.model.system.temperature: self.temperature}

    @cached_property
    def kernel(self) -> NumbaKernel:
        """The DC function with all values baked in but the conductance parameter."""
        if len(self.model.ports) != 2:
            raise InputError(
                f"{self.model.name} has {len(self.model.ports)} ports; a device has two terminals; "
                "use the model's array functions directly"
            )
        kernel = self.model.to_numba(frozen=True, values=self.values)
        if kernel.parameters != (self.range.parameter,) or len(kernel.unknowns) != 2:
            raise CardError(
                f"{self.card.name}: the DC current depends on {', '.join(kernel.parameters)} and "
                f"on {', '.join(kernel.unknowns)}; allowed is only {self.range.parameter}, at two "
                "terminals; give the card the other parameters"
            )
        return kernel

    def current(
        self,
        voltage: Float[ndarray, "*voltages"] | float,
        parameter: Float[ndarray, "*parameters"] | float,
    ) -> tuple[Float[ndarray, "*shape"], Float[ndarray, "*shape"]]:
        """DC current from the first to the second terminal, and its slope.

        Args:
            voltage: voltage across the device [V].
            parameter: value of the conductance parameter; broadcasts with `voltage`.

        Returns:
            I [A] and dI/dV [S], of the broadcast shape.
        """
        both = np.broadcast_arrays(voltage, parameter)
        v, p = (np.array(values, dtype=np.float64) for values in both)
        x = np.zeros((v.size, 2))
        x[:, 0] = v.ravel()
        entries = self.kernel.evaluate(x, p.reshape(-1, 1))
        slope = self.kernel.jacobians(entries)[0][:, 0, 0]
        return entries[:, 0].reshape(v.shape), slope.reshape(v.shape)

    def conductance(self, parameter: Float[ndarray, "*shape"] | float) -> Float[ndarray, "*shape"]:
        """Static conductance I/V at the read voltage [S]."""
        read = self.range.read_voltage
        return np.asarray(self.current(np.asarray(read), np.asarray(parameter))[0] / read)

    def parameter_for(self, conductance: ArrayLike) -> Float[ndarray, "*shape"]:
        """The parameter value that gives each conductance.

        The logarithm of the conductance is nearly linear in a state, so a bracketed secant
        (Illinois) on it needs a handful of steps.

        Args:
            conductance: wanted conductances [S].

        Raises:
            CardError: a conductance lies outside of the card's range.
        """
        wanted = np.asarray(conductance, dtype=np.float64)
        self.check(wanted)
        a, b = self._bracket
        target = np.log(wanted.ravel())
        low = np.full_like(target, a)
        high = np.full_like(target, b)
        miss_low = np.log(self.conductance(low)) - target
        miss_high = np.log(self.conductance(high)) - target
        best = np.where(np.abs(miss_low) < np.abs(miss_high), low, high)
        side = np.zeros_like(target)
        for _ in range(MAX_STEPS):
            guess = high - miss_high * (high - low) / (miss_high - miss_low)
            miss = np.log(self.conductance(guess)) - target
            best = guess
            if np.all(np.abs(miss) <= RELATIVE_ACCURACY):
                break
            same = np.sign(miss) == np.sign(miss_high)
            # A side that stays twice in a row is weighted down, so that the other one moves.
            miss_low = np.where(same & (side > 0), 0.5 * miss_low, miss_low)
            miss_high = np.where(~same & (side < 0), 0.5 * miss_high, miss_high)
            high, miss_high = np.where(same, guess, high), np.where(same, miss, miss_high)
            low, miss_low = np.where(same, low, guess), np.where(same, miss_low, miss)
            side = np.where(same, 1.0, -1.0)
            done = np.abs(miss) <= RELATIVE_ACCURACY
            low, high = np.where(done, guess, low), np.where(done, guess, high)
            miss_low = np.where(done, -1.0, miss_low)
            miss_high = np.where(done, 1.0, miss_high)
        return best.reshape(wanted.shape)

    def check(self, wanted: Float[ndarray, "*shape"]) -> None:
        """Refuse conductances that the device cannot have.

        Args:
            wanted: conductances [S].

        Raises:
            CardError: one lies outside of the card's range, or is not a number.
        """
        r = self.range
        bad = ~((wanted >= r.low * (1 - 1e-12)) & (wanted <= r.high * (1 + 1e-12)))
        if np.any(bad):
            worst = wanted.ravel()[np.flatnonzero(bad.ravel())[0]]
            raise CardError(
                f"{self.card.name}: a conductance of {worst:g} S was asked for; the card covers "
                f"[{r.low:g}, {r.high:g}] S at {r.read_voltage:g} V; scale the conductances into it"
            )

    @cached_property
    def _bracket(self) -> tuple[float, float]:
        """Parameter values whose conductances enclose the card's range."""
        entry = self.card.entries.get(self.range.parameter)
        if entry is None:
            raise CardError(
                f"{self.card.name}: [conductance] names {self.range.parameter}, which is not in "
                "[values]; its low and high bound the search; add it"
            )
        ends = np.log(self.conductance(np.array([entry.low, entry.high])))
        wanted = np.log([self.range.low, self.range.high])
        if not (ends.min() <= wanted[0] + 1e-9 and wanted[1] - 1e-9 <= ends.max()):
            raise CardError(
                f"{self.card.name}: {self.range.parameter} from {entry.low:g} to {entry.high:g} "
                f"reaches [{np.exp(ends.min()):.4g}, {np.exp(ends.max()):.4g}] S only, the card "
                f"claims [{self.range.low:g}, {self.range.high:g}] S; correct one of the two ranges"
            )
        return entry.low, entry.high
