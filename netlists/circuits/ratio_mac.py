"""The conductance-ratio multiplier: sizes, phases, and what is in it at a moment.

Memory cells that drift lose conductance all together. Here the time for which they conduct is set
by cells of the same kind, so that it grows as they fade, and the charge stays the same:

    reference line at V_ref: M reference cells ─► mirror k_r / M ─► C_r: a ramp
                                                                     │
    ramp passes the pedestal: all rows open          ┌───────────────┘
    ramp passes pedestal + x_i: row i closes      T_i = x_i V_x C_r / (k_r I_ref)
                                                     │ word line i, common to all columns
    bit line + at V_BL: cells G+_ij, selected ◄──────┤
            └─► mirror k_int, sources ─► ┐           │     reset
                                         ├─► sum ─┬──│── C_int ──┬
    bit line - at V_BL: cells G-_ij  ◄───│────────│──┘  ┌────────┴── V_out,j
            └─► mirror k_int, sinks ───► ┘        └─ -▷─┘

    V_out,j = V_FS / (n s) * sum_i x_i (G+_ij - G-_ij) / G_ref

Only ratios are left: G_ij/G_ref, V_BL/V_ref, C_r/C_int, and those of the mirrors. The arrangement
follows the public description of the ratio-based multiplier in embedded phase-change memory
(M. Pasotti et al., US 11 894 052 B2; A. Antolini et al., IEEE JETCAS 13(1), 2023,
10.1109/JETCAS.2023.3241750); sizes are ours.

The conversion takes as long as the cells have faded. `trim` multiplies both mirrors, which leaves
the ratio as it is and shortens the time: stepped by two whenever a conversion has become twice as
long, it keeps the time between one and two times that of fresh cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from pydantic import Field

from compact_models.errors import InputError
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.fields import Finite, Name, NotNegative, Positive, Spec
from netlists.waveforms import clock, staircase


ROOM = 300.15
GUARD = 2e-9  # rows are disabled this long before a reset, whose falling ramp would reopen them [s]
SLACK = 1.06  # of a conversion, for windows that close late


class RatioMac(Spec):
    """A tile of n inputs and signed columns.

    Attributes:
        card: of the cells.
        inputs: number of inputs n.
        columns: number of signed columns.
        reference_levels: conductances that reference cells are programmed to [S].
        references: number of reference cells M at each of these levels.
        line_voltage: across the selected cells, V_BL [V].
        reference_voltage: across the reference cells, V_ref [V].
        full_scale_time: how long x = 1 conducts while all cells are fresh [s].
        ramp_start: where the ramp starts [V].
        swing: of the ramp for x = 1, V_x [V].
        pedestal: of the ramp before the rows open, relative to the swing.
        ramp_gain: of the mirror into C_r, k_r.
        output_gain: of the mirrors into C_int, k_int.
        output_swing: output when sum x G/G_ref is n times `fill`, V_FS [V].
        fill: s; below 1 for sums that stay small, such as signed ones.
        common_mode: of the integrators [V].
        line_gain: of the amplifiers that hold lines.
        line_bandwidth: gain-bandwidth product of these [Hz].
        follower: output resistance of the transistor that feeds a line [ohm].
        line_capacitance: of a line without cells [F].
        cell_capacitance: that each cell adds [F].
        integrator_gain: of the integrators' amplifiers.
        integrator_bandwidth: gain-bandwidth product of these [Hz].
        window_width: of the comparators' transition, as in tanh(v / width) [V].
        reset: length of the reset [s].
        settle: from the end of the last row to the next reset [s].
        edge: of the clocks [s].
    """

    card: Name = "pcm__epcm_90nm_materials2021"
    inputs: int = Field(default=8, ge=1)
    columns: int = Field(default=1, ge=1)
    reference_levels: tuple[Positive, ...] = Field(default=(10e-6,), min_length=1)
    references: int = Field(default=4, ge=1)
    line_voltage: Positive = 0.15
    reference_voltage: Positive = 0.15
    full_scale_time: Positive = 100e-9
    ramp_start: NotNegative = 0.0
    swing: Positive = 1.0
    pedestal: Positive = 0.1
    ramp_gain: Positive = 1.0
    output_gain: Positive = 0.25
    output_swing: Positive = 0.8
    fill: Positive = 1.0
    common_mode: Finite = 0.0
    line_gain: Positive = 1e4
    line_bandwidth: Positive = 300e6
    follower: Positive = 400.0
    line_capacitance: NotNegative = 50e-15
    cell_capacitance: NotNegative = 0.5e-15
    integrator_gain: Positive = 1e4
    integrator_bandwidth: Positive = 200e6
    window_width: Positive = 4e-3
    reset: Positive = 20e-9
    settle: Positive = 30e-9
    edge: Positive = 0.5e-9

    @property
    def reference_conductance(self) -> float:
        """Mean of the reference levels, G_ref [S]."""
        return float(np.mean(self.reference_levels))

    @property
    def reference_count(self) -> int:
        """Number of all reference cells."""
        return self.references * len(self.reference_levels)

    @property
    def reference_targets(self) -> Float[np.ndarray, " references"]:
        """What each reference cell is programmed to [S]."""
        return np.repeat(np.array(self.reference_levels), self.references)

    def fresh_current(self, voltage: float) -> float:
        """Current of a fresh cell with G_ref at the card's temperature [A]."""
        unit = PhaseChangeCells.uniform(self.card, np.array(self.reference_conductance), 0.0)
        return self.reference_conductance * float(unit.shape(voltage, unit.device.temperature))

    @property
    def ramp_capacitance(self) -> float:
        """C_r: fresh reference cells take `full_scale_time` for the swing [F]."""
        current = self.ramp_gain * self.fresh_current(self.reference_voltage)
        return current * self.full_scale_time / self.swing

    @property
    def output_capacitance(self) -> float:
        """C_int: the output swing is reached as `fill` says [F]."""
        charge = self.output_gain * self.fresh_current(self.line_voltage) * self.full_scale_time
        return charge * self.inputs * self.fill / self.output_swing

    @property
    def volts_per_sum(self) -> float:
        """Output for sum x (G+ - G-)/G_ref = 1 [V]."""
        return self.output_swing / (self.inputs * self.fill)

    def level(self, x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Voltage at which the ramp closes a row with input x [V]."""
        return np.asarray(self.ramp_start + self.swing * (self.pedestal + x))


@dataclass(frozen=True, eq=False)
class RatioState:
    """What is in a tile, and when.

    Arrays may have leading axes for chips; a netlist is of one chip.

    Attributes:
        positive: cells that add, `[..., inputs, columns]`.
        negative: cells that subtract, `[..., inputs, columns]`.
        reference: reference cells, `[..., references]`.
        elapsed: time since programming [s].
        temperature: [K].
        trim: factor of both mirrors.
        fixed_ramp: a resistor instead of the reference cells: no compensation.
    """

    positive: PhaseChangeCells
    negative: PhaseChangeCells
    reference: PhaseChangeCells
    elapsed: float = 1.0
    temperature: float = ROOM
    trim: float = 1.0
    fixed_ramp: bool = False

    def check(self, mac: RatioMac) -> None:
        """Refuse cells that do not fit a tile of one chip.

        Raises:
            InputError: a wrong number of cells, or a time or trim that is not positive.
        """
        array = (mac.inputs, mac.columns)
        given = (
            self.positive.conductance.shape,
            self.negative.conductance.shape,
            self.reference.conductance.shape,
        )
        if given != (array, array, (mac.reference_count,)):
            raise InputError(
                f"positive, negative and reference cells of shapes {given} are given; the tile "
                f"has {array}, {array} and ({mac.reference_count},); give those"
            )
        if not (self.elapsed > 0.0 and self.trim > 0.0 and self.temperature > 0.0):
            raise InputError(
                f"elapsed {self.elapsed} s, trim {self.trim} and temperature {self.temperature} K "
                "are given; each must be above 0; correct them"
            )

    def ramp_current(self, mac: RatioMac) -> Float[np.ndarray, "*chips"]:
        """Current that charges C_r, without errors of the circuit [A]."""
        own = self.reference.current(mac.reference_voltage, self.elapsed, self.temperature)
        mean = np.asarray(own.mean(axis=-1))
        if self.fixed_ramp:
            mean = np.full_like(mean, mac.fresh_current(mac.reference_voltage))
        return np.asarray(self.trim * mac.ramp_gain * mean)

    def full_scale_time(self, mac: RatioMac) -> Float[np.ndarray, "*chips"]:
        """How long x = 1 conducts now [s]."""
        return np.asarray(mac.swing * mac.ramp_capacitance / self.ramp_current(mac))

    def conversion_time(self, mac: RatioMac) -> Float[np.ndarray, "*chips"]:
        """From the start of the ramp until x = 1 closes [s]."""
        return np.asarray((1.0 + mac.pedestal) * self.full_scale_time(mac))


def trim_for(state: RatioState, mac: RatioMac) -> float:
    """The power of two for both mirrors that keeps the full-scale time in [T0, 2 T0).

    T0 is the time with fresh cells at the card's temperature; the state's own trim does not count.
    """
    now = float(np.max(state.full_scale_time(mac))) * state.trim
    return float(2.0 ** np.floor(np.log2(now / mac.full_scale_time) + 1e-9))


@dataclass(frozen=True)
class RatioErrors:
    """How a tile differs from the intended one; nothing by default.

    Attributes:
        comparators: offset of each row's comparator against that of the pedestal [V].
        lines: offset of each line's amplifier, positive and negative, `[2, columns]` [V].
        reference: offset of the reference line's amplifier [V].
        mirrors: relative error of each output mirror, `[2, columns]`.
        ramp_mirror: relative error of the mirror into C_r.
        ramp_conductance: output conductance of that mirror [S].
        ramp_leak: current lost at C_r [A].
        output_leak: current lost at each integrator's input [A].
    """

    comparators: float | Float[np.ndarray, " inputs"] = 0.0
    lines: float | Float[np.ndarray, "2 columns"] = 0.0
    reference: float = 0.0
    mirrors: float | Float[np.ndarray, "2 columns"] = 0.0
    ramp_mirror: float = 0.0
    ramp_conductance: float = 0.0
    ramp_leak: float = 0.0
    output_leak: float = 0.0

    @classmethod
    def drawn(
        cls, mac: RatioMac, seed: int, offset: float = 1e-3, mirror: float = 3e-3
    ) -> RatioErrors:
        """One draw: comparators with three times the offset of the amplifiers [V]."""
        generator = np.random.default_rng(seed)
        pairs = (2, mac.columns)
        return cls(
            comparators=3.0 * offset * generator.standard_normal(mac.inputs),
            lines=offset * generator.standard_normal(pairs),
            reference=float(offset * generator.standard_normal()),
            mirrors=mirror * generator.standard_normal(pairs),
            ramp_mirror=float(mirror * generator.standard_normal()),
        )


@dataclass(frozen=True, eq=False)
class RatioPhases:
    """The clocks and inputs of some conversions in a row.

    Attributes:
        mac: the tile.
        x: inputs in 0..1, `[conversions, inputs]`.
        conversion_time: as long as the ramp has [s].
        slack: factor on that.
    """

    mac: RatioMac
    x: Float[np.ndarray, "conversions inputs"]
    conversion_time: float
    slack: float = SLACK
    high: float = field(default=1.0)

    def __post_init__(self) -> None:
        if self.x.ndim != 2 or self.x.shape[1] != self.mac.inputs:
            raise InputError(
                f"inputs of shape {self.x.shape} are given; allowed is (conversions, "
                f"{self.mac.inputs}); give one row per conversion"
            )
        if not ((self.x >= -self.mac.pedestal) & (self.x <= 1.0)).all():
            raise InputError(
                f"inputs from {self.x.min():g} to {self.x.max():g} are given; allowed is 0 to 1 "
                f"(down to -{self.mac.pedestal:g} to keep a row closed); scale them"
            )

    @property
    def period(self) -> float:
        """From one reset to the next [s]."""
        return self.mac.reset + self.slack * self.conversion_time + self.mac.settle

    @property
    def stop(self) -> float:
        """End of the last conversion [s]."""
        return len(self.x) * self.period

    @property
    def samples(self) -> Float[np.ndarray, " conversions"]:
        """When each conversion's output is read [s]."""
        return (np.arange(len(self.x)) + 1.0) * self.period - 1.5 * GUARD

    def sources(self) -> tuple[str, ...]:
        """Lines of a deck: reset, enable, and the level of every input.

        Both clocks are 0 to 1 V; a transistor-level block brings its own level shift.
        """
        mac, period = self.mac, self.period
        busy = period - mac.reset - mac.edge
        levels = [
            f"vx{i} x{i} 0 {staircase(mac.level(self.x[:, i]), period, 1e-9)}"
            for i in range(mac.inputs)
        ]
        return (
            f"vrst rst 0 {clock(self.high, 0.0, mac.reset, mac.edge, busy, period)}",
            f"ven en 0 {clock(0.0, self.high, mac.reset, mac.edge, busy - GUARD, period)}",
            *levels,
        )
