"""The behavioural twin of the conductance-ratio multiplier, for chips by the thousand.

The charge of a row is its cell's current times the time for which its word line is high. With

    T_i = (x_i V_x + offset_i) C_r / I_r        how long row i conducts,
    w   = width C_r / I_r                       how long a comparator takes to switch,

the two edges, each a logistic function of time, let through T / (1 - exp(-2 T / w)): T for wide
windows, w/2 for x = 0. What an amplifier of finite gain and speed takes away is first order in
the follower's resistance R: a step of a line's current by dI moves the line by R dI, and the
amplifier brings it back within tau = 1 / (2 pi GBW). With p the probability that an exponential
delay of mean tau outlasts the difference of two logistic edges (p = 1 for sharp edges, 1/2 for
slow ones, where the losses of opening and closing cancel), a line with conductances g_i loses

    charge = tau R V' I' [ (2 p - 1) S^2 + (2 p - 1) sum g_i^2 ] / 2,        S = sum g_i

(edges of different rows taken as apart), where I' is the slope dI/dV of a cell with 1 S. Arrays
may have leading axes for chips; `positive`, `negative` and `reference` of the state carry them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from netlists.circuits.ratio_behavioural import NO_ERRORS
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_mac import SLACK, RatioErrors, RatioMac, RatioState


_NODES, _WEIGHTS = np.polynomial.laguerre.laggauss(48)


def ideal_outputs(
    mac: RatioMac,
    x: Float[np.ndarray, "... conversions inputs"],
    positive: Float[np.ndarray, "... inputs columns"],
    negative: Float[np.ndarray, "... inputs columns"],
    reference: Float[np.ndarray, "... cells"],
) -> Float[np.ndarray, "... conversions columns"]:
    """The transfer law, V_FS/(n s) sum x (G+ - G-)/G_ref, for conductances [S] as they are [V]."""
    mean = np.mean(reference, axis=-1)[..., None, None]
    return mac.volts_per_sum * (x @ (positive - negative)) / mean


@dataclass(frozen=True, eq=False)
class RatioTwin:
    """The twin of one tile, or of many chips with the same periphery.

    Attributes:
        mac: the sizes.
        state: what is in it, and when; arrays may have leading axes for chips.
        errors: of the periphery.
    """

    mac: RatioMac
    state: RatioState
    errors: RatioErrors = NO_ERRORS

    def outputs(
        self, x: Float[np.ndarray, "... conversions inputs"]
    ) -> Float[np.ndarray, "... conversions columns"]:
        """Results of conversions with inputs x in 0..1 [V]."""
        mac, state = self.mac, self.state
        current = self.ramp_current()
        on_time = self._on_time(x, current)
        offsets = np.broadcast_to(self.errors.lines, (2, mac.columns))
        mirrors = 1.0 + np.broadcast_to(self.errors.mirrors, (2, mac.columns))
        charge: Float[np.ndarray, "*_"] = np.zeros(())
        for k, (sign, cells) in enumerate(((1.0, state.positive), (-1.0, state.negative))):
            line = mac.line_gain / (1.0 + mac.line_gain) * (mac.line_voltage + offsets[k])
            charge = charge + sign * mirrors[k] * self._line_charge(cells, line, on_time, current)
        charge = state.trim * mac.output_gain * charge
        charge = charge - self.errors.output_leak * self._integrating_time()[..., None, None]
        gain = mac.integrator_gain / (1.0 + mac.integrator_gain)
        return gain * charge / mac.output_capacitance

    def ramp_current(self) -> Float[np.ndarray, "*_"]:
        """Current that charges C_r [A]."""
        mac, state, errors = self.mac, self.state, self.errors
        held = mac.line_gain / (1.0 + mac.line_gain) * (mac.reference_voltage + errors.reference)
        total = self._reference_current(np.asarray(held))
        # The follower's drop is tiny, so one correction is enough.
        total = self._reference_current(
            np.asarray(held - mac.follower / (1.0 + mac.line_gain) * total)
        )
        mirror = state.trim * mac.ramp_gain * (1.0 + errors.ramp_mirror)
        return np.asarray(mirror * total / mac.reference_count - errors.ramp_leak)

    def _reference_current(self, volt: Float[np.ndarray, "*_"]) -> Float[np.ndarray, "*_"]:
        """Current of all reference cells, or of the resistor instead of them [A]."""
        mac, state = self.mac, self.state
        if state.fixed_ramp:
            fixed = mac.fresh_current(mac.reference_voltage) / mac.reference_voltage
            ones = np.ones(state.reference.conductance.shape[:-1])
            return np.asarray(mac.reference_count * fixed * volt * ones)
        total = state.reference.aged(state.elapsed).sum(axis=-1)
        return np.asarray(total * self._shape(volt))

    def _shape(self, volt: Float[np.ndarray, "*_"]) -> Float[np.ndarray, "*_"]:
        """Current of a fresh cell with 1 S [A]."""
        return self.state.positive.shape(volt, self.state.temperature)

    def _on_time(
        self,
        x: Float[np.ndarray, "... conversions inputs"],
        current: Float[np.ndarray, "*_"],
    ) -> Float[np.ndarray, "... conversions inputs"]:
        """How long each row conducts, edges counted by their area [s]."""
        mac, errors = self.mac, self.errors
        start = mac.swing * mac.pedestal
        stop = start + mac.swing * x + np.broadcast_to(errors.comparators, mac.inputs)
        per_volt = (mac.ramp_capacitance / current)[..., None, None]
        if errors.ramp_conductance:
            bend = errors.ramp_conductance / current[..., None, None]
            time = (np.log1p(-start * bend) - np.log1p(-stop * bend)) / bend * per_volt
        else:
            time = (stop - start) * per_volt
        width = mac.window_width * per_volt
        ratio = np.where(np.abs(time) < 1e-9 * width, 1e-9, 2.0 * time / width)
        return 0.5 * width * ratio / -np.expm1(-np.clip(ratio, -600.0, 600.0))

    def _line_charge(
        self,
        cells: PhaseChangeCells,
        volt: Float[np.ndarray, " columns"],
        on_time: Float[np.ndarray, "... conversions inputs"],
        ramp: Float[np.ndarray, "*_"],
    ) -> Float[np.ndarray, "... conversions columns"]:
        """Charge that the cells of one sign take from their lines [C]."""
        mac = self.mac
        conductance = cells.aged(self.state.elapsed)
        shape = self._shape(volt)
        v0 = cells.scale_voltage(self.state.temperature)
        slope = shape / v0 / np.tanh(volt / v0)
        total = conductance.sum(axis=-2)[..., None, :]
        squares = (conductance**2).sum(axis=-2)[..., None, :]
        charge = (on_time @ conductance) * shape
        lag = 1.0 / (2.0 * np.pi * mac.line_bandwidth)
        edge = (0.5 * mac.window_width * mac.ramp_capacitance / ramp)[..., None, None]
        sharp = 2.0 * _outlasts(lag * (1.0 + mac.follower * slope * total), edge) - 1.0
        lost = lag * mac.follower * shape * slope * sharp * 0.5 * (total**2 + squares)
        # While it conducts, every cell sees the follower's drop over the gain, of those still on.
        static = mac.follower / (1.0 + mac.line_gain) * slope * total
        return charge * (1.0 - 0.5 * static) - lost

    def _integrating_time(self) -> Float[np.ndarray, "*_"]:
        """From the end of the reset until the output is read [s]."""
        return np.asarray(SLACK * self.state.conversion_time(self.mac) + self.mac.settle)


def _outlasts(
    delay: Float[np.ndarray, "*_"], edge: Float[np.ndarray, "*_"]
) -> Float[np.ndarray, "*_"]:
    """Probability that an exponential delay exceeds the difference of two logistic edges.

    Args:
        delay: mean of the delay.
        edge: scale of each edge.
    """
    u = (delay / edge)[..., None] * _NODES
    u = np.clip(u, 1e-3, 50.0)  # the distribution is smooth at both ends
    grown = np.expm1(u)
    below = np.exp(u) * (grown - u) / grown**2
    return (below * _WEIGHTS).sum(axis=-1)
