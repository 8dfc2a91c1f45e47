"""What a line's amplifier makes of its current, settled and over time.

Settled, its output is a curve of the current: that of the block's behavioural twin, with an offset
and a gain fitted to reads in SPICE. The curve is kept as points, straight in between, so that it is
differentiable and knows where an amplifier saturates.

Over time the output moves from the value of the read before to its own. A share of the way,
`memory`, is left after a time t. A transimpedance amplifier with the unity-gain frequency w and the
feedback R, C, whose line is loaded by cells of the total conductance S, has

    s^2 R C + s (1 + R S + w R C) + w = 0

for its two poles: the more the cells of a column conduct, the slower it settles. R is fitted, which
takes up that a cell's slope is not its conductance. A regulated line has the same form without C.
An integrator is reset before each read and remembers nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from netlists.circuits.integrator import Integrator
from netlists.circuits.tia import Tia
from netlists.readout_spec import ReadoutSpec
from netlists.specs import TileSpec


KNOTS = 2049
# Currents that the curve covers, in units of all cells at their highest conductance and voltage.
BELOW, ABOVE = -0.1, 1.2
# Of a regulated line: what a regulator's transistor with some ten microamperes shows [ohm].
REGULATOR = 3e3


@dataclass(frozen=True)
class Settling:
    """How fast an amplifier follows its line.

    Attributes:
        bandwidth: unity-gain frequency [rad/s]; infinite for what remembers nothing.
        resistance: R [ohm].
        capacitance: C [F].
    """

    bandwidth: float
    resistance: float
    capacitance: float

    @classmethod
    def of(cls, readout: ReadoutSpec) -> Self:
        """What the blocks of a read-out say."""
        sensing = readout.sensing
        if isinstance(sensing, Integrator):
            return cls(math.inf, 0.0, 0.0)
        bandwidth = 2.0 * math.pi * sensing.amplifier.macromodel().gain_bandwidth
        if isinstance(sensing, Tia):
            return cls(bandwidth, sensing.resistance, sensing.capacitance)
        return cls(bandwidth, REGULATOR, 0.0)

    @property
    def remembers(self) -> bool:
        """Whether a read depends on the one before it."""
        return math.isfinite(self.bandwidth)

    def rates(
        self, conductance: Float[Tensor, "*shape"]
    ) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
        """The slow and the fast pole [1/s] for lines with cells of a total conductance [S]."""
        w, R, C = self.bandwidth, self.resistance, self.capacitance
        middle = 1.0 + R * conductance + w * R * C
        root = torch.sqrt(torch.clamp(middle**2 - 4.0 * R * C * w, min=1e-6))
        slow = 2.0 * w / (middle + root)
        fast = (middle + root) / (2.0 * R * C) if R * C > 0.0 else 1e6 * slow
        return slow, torch.maximum(fast, slow * (1.0 + 1e-3))

    def memory(
        self, conductance: Float[Tensor, "*lines"], time: Float[Tensor, ...] | float
    ) -> Float[Tensor, ...]:
        """The share of a step that is left after a time [s]."""
        if not self.remembers:
            return torch.zeros_like(conductance)
        slow, fast = self.rates(conductance)
        return (fast * torch.exp(-slow * time) - slow * torch.exp(-fast * time)) / (fast - slow)

    def time_until(
        self, conductance: Float[Tensor, "*lines"], share: Float[Tensor, "*reads"]
    ) -> Float[Tensor, "*reads"]:
        """When a share of a step is left [s]; zero where it is one or more.

        The fast pole's part has died away by then.
        """
        slow, fast = self.rates(conductance)
        return torch.log(fast / (fast - slow) / share.clamp(min=1e-30)).clamp(min=0.0) / slow


class SensingLaw(nn.Module):
    """From currents to volts.

    Attributes:
        low: current of the first point of the curve [A].
        step: between two points [A].
        rest: output without a current [V].
        offset: of the output, fitted [V].
        gain: relative error of the output's swing, fitted.
        settling: how the output moves.
        window: time for which a current is integrated [s]; None without an integrator.
    """

    twin: Tensor

    def __init__(
        self,
        twin: Float[Tensor, " knots"],
        low: float,
        step: float,
        settling: Settling,
        window: float | None,
        offset: float = 0.0,
        gain: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("twin", twin, persistent=False)
        self.low, self.step, self.settling, self.window = low, step, settling, window
        self.offset, self.gain = offset, gain
        self.rest = float(self._interpolated(torch.zeros(1, dtype=twin.dtype))[0])

    @classmethod
    def of_twin(cls, spec: TileSpec, readout: ReadoutSpec) -> Self:
        """The law as the block's behavioural twin states it."""
        full = spec.rows * spec.cell.conductance_max * spec.drivers.read_voltage
        currents = np.linspace(BELOW * full, ABOVE * full, KNOTS)
        sensing = readout.sensing
        window = sensing.window if isinstance(sensing, Integrator) else None
        return cls(
            torch.from_numpy(np.asarray(readout.volts(currents), dtype=np.float64)),
            float(currents[0]),
            float(currents[1] - currents[0]),
            Settling.of(readout),
            window,
        )

    def forward(self, currents: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Settled outputs [V] for currents [A] as the sensing counts them."""
        swing = self._interpolated(currents) - self.rest
        return self.rest + self.offset + (1.0 + self.gain) * swing

    def slope(self, currents: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """How the output follows the current [ohm]."""
        place = torch.clamp(torch.floor((currents - self.low) / self.step), 0, len(self.twin) - 2)
        index = place.long()
        rise = self.twin[index + 1] - self.twin[index]
        return (1.0 + self.gain) / self.step * rise

    def _interpolated(self, currents: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        position = (currents - self.low) / self.step
        index = torch.clamp(torch.floor(position.detach()), 0, len(self.twin) - 2).long()
        before, after = self.twin[index], self.twin[index + 1]
        return before + (position - index) * (after - before)

    def fitted(self, offset: float, gain: float, settling: Settling) -> SensingLaw:
        """The same law with other fitted numbers."""
        return type(self)(self.twin, self.low, self.step, settling, self.window, offset, gain)

    def settings(self) -> dict[str, Any]:
        """Everything but the curve, as JSON takes it."""
        settling = asdict(self.settling) if self.settling.remembers else None
        names = ("low", "step", "window", "offset", "gain")
        return {**{name: getattr(self, name) for name in names}, "settling": settling}

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], twin: Tensor) -> Self:
        """The law that `settings` and its curve describe."""
        settling = settings["settling"]
        window = settings["window"]
        return cls(
            twin,
            float(settings["low"]),
            float(settings["step"]),
            Settling(math.inf, 0.0, 0.0) if settling is None else Settling(**settling),
            None if window is None else float(window),
            float(settings["offset"]),
            float(settings["gain"]),
        )


def scaled(settling: Settling, resistance: float, bandwidth: float) -> Settling:
    """A settling with its numbers changed by factors."""
    return replace(
        settling,
        resistance=settling.resistance * resistance,
        bandwidth=settling.bandwidth * bandwidth,
        capacitance=settling.capacitance / resistance,
    )
