"""Everything that makes one device different from the next, and one moment from the next.

Static, drawn once per chip and the same for every read:

    device to device    parameters around the card's values (`d2d`), and the card's `draws`
    stuck devices       at the highest or the lowest conductance, whatever is programmed
    programming         what a program-and-verify algorithm leaves, by the card's laws
    relaxation          what happens to a conductance in the first moments after that
    drift, retention    a power of time with an exponent per device, or a shift that grows with ln t

Drawn anew: per programming pulse, the parameters around the device's own values (`c2c`); per read,
noise of 1/f kind and random telegraph noise, each of which can be switched off.

Every draw comes from a stream of its own, named by a seed, a purpose and an index. So engines that
ask in another order, or not for everything, still see the same devices and the same noise.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from compact_models.card import Card
from compact_models.errors import InputError
from compact_models.laws import Law


def stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """The random numbers of one purpose: the same ones for the same three arguments, always."""
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), index]))
    )


class Stuck(IntEnum):
    """Whether a device can be programmed."""

    FREE = 0
    AT_HIGH_CONDUCTANCE = 1
    AT_LOW_CONDUCTANCE = -1


@dataclass(frozen=True)
class Population:
    """The devices of one chip: a card, how many, and the seed of the chip.

    Attributes:
        card: numbers and their spreads.
        size: number of devices.
        seed: of every draw; another chip has another seed.
    """

    card: Card
    size: int
    seed: int

    def normal(self, purpose: str, index: int = 0) -> Float[ndarray, " size"]:
        """Standard normal numbers, one per device."""
        return stream(self.seed, purpose, index).standard_normal(self.size)

    def parameters(self) -> dict[str, Float[ndarray, " size"]]:
        """Per device, the model's parameters that have a d2d spread, inside the card's ranges."""
        values = {}
        for name, spread in self.card.spread.items():
            entry = self.card.entries[name]
            drawn = entry.value * (1.0 + spread * self.normal(f"device {name}"))
            values[name] = np.clip(drawn, entry.low, entry.high)
        return values

    def cycle(self, index: int) -> dict[str, Float[ndarray, " size"]]:
        """Per device, the factors by which the parameters with a c2c spread differ in one cycle."""
        return {
            name: 1.0 + spread * self.normal(f"cycle {name}", index)
            for name, spread in self.card.cycle_spread.items()
        }

    def drawn(self) -> dict[str, Float[ndarray, " size"]]:
        """Per device, the card's `draws`."""
        return {
            name: law.draw(stream(self.seed, f"draw {name}"), self.size)
            for name, law in self.card.draws.items()
        }

    def stuck(self, high: float, low: float) -> Int[ndarray, " size"]:
        """Which devices are stuck (`Stuck`).

        Args:
            high: share of the devices that are stuck at the highest conductance.
            low: share of the devices that are stuck at the lowest conductance.

        Raises:
            InputError: shares below zero, or more than one together.
        """
        if high < 0.0 or low < 0.0 or high + low > 1.0:
            raise InputError(
                f"shares of stuck devices of {high:g} and {low:g} are given; allowed are shares "
                "from 0 to 1 that together do not exceed 1; correct them"
            )
        u = stream(self.seed, "stuck").random(self.size)
        return np.where(
            u < high,
            Stuck.AT_HIGH_CONDUCTANCE,
            np.where(u < high + low, Stuck.AT_LOW_CONDUCTANCE, Stuck.FREE),
        ).astype(np.int64)

    def with_stuck(
        self, conductance: Float[ndarray, " size"], high: float, low: float
    ) -> Float[ndarray, " size"]:
        """Conductances [S] with the stuck devices at the ends of the card's range."""
        stuck, limits = self.stuck(high, low), self.card.conductance
        if limits is None:
            raise InputError(f"{self.card.name} is no memory device; nothing in it can be stuck")
        at_low = np.where(stuck == Stuck.AT_LOW_CONDUCTANCE, limits.low, conductance)
        return np.where(stuck == Stuck.AT_HIGH_CONDUCTANCE, limits.high, at_low)

    def programmed(
        self, target: Float[ndarray, " size"], law: str = "programming_spread", index: int = 0
    ) -> Float[ndarray, " size"]:
        """Conductances [S] that programming leaves, by one of the card's laws, never below zero.

        Args:
            target: wanted conductances [S].
            law: name of the law for the standard deviation over the target.
            index: another one for each time the chip is programmed.
        """
        spread = self.card.law(law)(target)
        return np.maximum(target + spread * self.normal(f"programming {law}", index), 0.0)

    def relaxed(
        self, conductance: Float[ndarray, " size"], index: int = 0
    ) -> Float[ndarray, " size"]:
        """Conductances [S] after the relaxation that follows programming, never below zero."""
        spread = self.card.law("relaxation_spread")(conductance)
        return np.maximum(conductance + spread * self.normal("relaxation", index), 0.0)

    def exponents(self, programmed: Float[ndarray, " size"]) -> Float[ndarray, " size"]:
        """Drift exponent of each device; its mean and spread follow the programmed conductance."""
        mean = self.card.law("drift_exponent_mean")(programmed)
        spread = self.card.law("drift_exponent_spread")(programmed)
        return np.abs(mean + spread * self.normal("drift exponent"))

    def aged(self, programmed: Float[ndarray, " size"], time: float) -> Float[ndarray, " size"]:
        """Conductances [S] a time after programming [s], without read noise.

        Cards with drift exponents follow ((t + t0)/t0)^-nu; cards with retention laws a shift whose
        mean and spread the laws give over the time; cards that give the spread at certain times
        have it interpolated in ln t, and `programmed` then is the target. A device keeps its luck:
        the same standard normal number scales its spread at every time.

        Raises:
            CardError: the card has none of these.
        """
        if "drift_exponent_mean" in self.card.laws:
            t0 = self.card.number("t0")
            return programmed * ((time + t0) / t0) ** -self.exponents(programmed)
        dated = {law.time: law for law in self.card.laws.values() if law.time is not None}
        if len(dated) > 1:
            return np.maximum(
                programmed + _between(dated, programmed, time) * self.normal("retention"), 0.0
            )
        shift = self.card.law("retention_mean")(time)
        spread = np.maximum(self.card.law("retention_spread")(time), 0.0)
        return np.maximum(programmed + shift + spread * self.normal("retention"), 0.0)


def _between(
    dated: dict[float, Law], conductance: Float[ndarray, " size"], time: float
) -> Float[ndarray, " size"]:
    """The spread at a time, linear in its logarithm between the times that are known."""
    times = sorted(dated)
    spreads = np.stack([dated[t](conductance) for t in times])
    position = np.interp(np.log(max(time, times[0])), np.log(times), np.arange(len(times)))
    index = min(int(position), len(times) - 2)
    part = position - index
    return (1.0 - part) * spreads[index] + part * spreads[index + 1]


@dataclass(frozen=True)
class ReadNoise:
    """What differs from one read to the next.

    Attributes:
        population: the devices.
        flicker: whether there is 1/f noise; its variance grows with the logarithm of the time.
        telegraph: whether there is random telegraph noise.

    Noise that the card has no law for is not there.
    """

    population: Population
    flicker: bool = True
    telegraph: bool = True

    def flicker_spread(
        self, conductance: Float[ndarray, "*shape"], time: float
    ) -> Float[ndarray, "*shape"]:
        """Standard deviation of the 1/f noise [S], some time [s] after programming.

        Noise between the frequencies 1/(time + t_read) and 1/(2 t_read) counts:
        sigma = read_noise * sqrt(ln((time + t_read)/(2 t_read))).
        """
        card = self.population.card
        law, t_read = card.law("read_noise"), card.number("t_read")
        growth = np.sqrt(np.log(np.maximum((time + t_read) / (2.0 * t_read), 1.0)))
        absolute = law(conductance) * (conductance if law.unit == "" else 1.0)
        return np.maximum(absolute, 0.0) * growth

    def telegraph_amplitude(
        self, conductance: Float[ndarray, "*shape"]
    ) -> Float[ndarray, "*shape"]:
        """Relative step of the conductance between the two states of the telegraph noise."""
        return self.population.card.law("telegraph_amplitude")(conductance)

    def read(
        self, conductance: Float[ndarray, " size"], time: float, index: int
    ) -> Float[ndarray, " size"]:
        """Conductances [S] as one read sees them.

        Args:
            conductance: of the devices at this time, without noise [S].
            time: since programming [s].
            index: of the read; every read has another one.
        """
        seen = conductance
        laws = self.population.card.laws
        if self.flicker and "read_noise" in laws:
            noise = self.population.normal("flicker", index)
            seen = seen + self.flicker_spread(conductance, time) * noise
        if self.telegraph and "telegraph_amplitude" in laws:
            share = self.population.card.number("telegraph_share")
            u = stream(self.population.seed, "telegraph", index).random(self.population.size)
            # The two states lie around the mean, so that switching the noise on shifts nothing.
            level = np.where(u < share, 1.0 - share, -share)
            seen = seen - conductance * self.telegraph_amplitude(conductance) * level
        return np.maximum(seen, 0.0)
