"""Decks of the conductance-ratio multiplier, and its results from their waveforms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from cosim.bench.base import TRANSIENT_OPTIONS, Condition
from cosim.bench.waveforms import values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.ratio_behavioural import NO_ERRORS, Form, behavioural_mac
from netlists.circuits.ratio_cells import elapsed_line
from netlists.circuits.ratio_mac import RatioErrors, RatioMac, RatioPhases, RatioState
from netlists.circuits.ratio_transistors import RatioTransistors, transistor_mac
from netlists.schematic import Subcircuit
from netlists.si_numbers import literal
from netlists.spice import Netlist
from netlists.technology import Technology


TECHNOLOGY = "generic_250nm"
STEPS_PER_EDGE = 0.6  # longest time step, relative to how long a comparator takes to switch
TRANSISTOR_STEP = 1e-9  # longest time step while cells are fresh [s]
TRANSISTOR_SLACK = 1.3  # the ramp node's own capacitance makes the ramp up to a fifth slower


@dataclass(frozen=True, eq=False)
class RatioRun:
    """Some conversions of one tile with behavioural periphery.

    Attributes:
        mac: its sizes.
        state: what is in it, and when.
        x: inputs in 0..1, `[conversions, inputs]`.
        form: how the array is drawn.
        errors: of the periphery.
    """

    mac: RatioMac
    state: RatioState
    x: Float[np.ndarray, "conversions inputs"]
    form: Form = "sum"
    errors: RatioErrors = NO_ERRORS

    @property
    def phases(self) -> RatioPhases:
        """Clocks and levels."""
        return RatioPhases(self.mac, self.x, float(self.state.conversion_time(self.mac)))

    @property
    def simulation(self) -> Simulation:
        """One transient with all conversions."""
        mac = self.mac
        circuit = behavioural_mac(
            mac, Technology.load(TECHNOLOGY), self.state, self.form, self.errors
        )
        edge = mac.window_width / mac.swing * float(self.state.full_scale_time(mac))
        last = f"v(xmac.wl{mac.inputs - 1})"
        netlist = _netlist(self, circuit, (), (), (last,))
        return _transient(self, netlist, STEPS_PER_EDGE * edge)

    def results(self, result: Result) -> Float[np.ndarray, "conversions columns"]:
        """The results of the conversions [V].

        Raises:
            SimulationFailed: the simulation failed.
        """
        return _results(self, result)


@dataclass(frozen=True, eq=False)
class TransistorRun:
    """Some conversions of one tile with transistors.

    Attributes:
        mac: its sizes and phases.
        state: what is in it, and when.
        x: inputs in 0..1, `[conversions, inputs]`; -pedestal keeps a row closed.
        at: process corner, supply and mismatch draw; the state has the temperature.
        sizes: of the transistors.
    """

    mac: RatioMac
    state: RatioState
    x: Float[np.ndarray, "conversions inputs"]
    at: Condition = field(default_factory=Condition)
    sizes: RatioTransistors = field(default_factory=RatioTransistors)

    @property
    def technology(self) -> Technology:
        """The transistors' technology."""
        return Technology.load(self.at.technology or TECHNOLOGY)

    @property
    def supply(self) -> float:
        """Supply voltage [V]."""
        return self.technology.supply * self.at.supply

    @property
    def phases(self) -> RatioPhases:
        """Clocks up to the supply, and levels."""
        time = float(self.state.conversion_time(self.mac))
        return RatioPhases(self.mac, self.x, time, TRANSISTOR_SLACK, self.supply)

    @property
    def simulation(self) -> Simulation:
        """One transient with all conversions."""
        circuit = transistor_mac(self.mac, self.sizes, self.technology, self.state)
        if self.at.seed is not None:
            circuit = circuit.with_mismatch(self.at.seed)
        longer = float(self.state.full_scale_time(self.mac)) / self.mac.full_scale_time
        step = TRANSISTOR_STEP * max(longer, 1.0)
        models = self.technology.models(self.at.process)
        netlist = _netlist(self, circuit, models, (f"vdd vdd 0 {literal(self.supply)}",), ())
        return _transient(self, netlist, step)

    def results(self, result: Result) -> Float[np.ndarray, "conversions columns"]:
        """The results of the conversions [V].

        Raises:
            SimulationFailed: the simulation failed.
        """
        return _results(self, result)


def _netlist(
    run: RatioRun | TransistorRun,
    circuit: Subcircuit,
    models: Iterable[str],
    supplies: Iterable[str],
    further: tuple[str, ...],
) -> Netlist:
    """The tile among its sources; outputs are its own and some further ones."""
    mac = run.mac
    return Netlist(
        title=f"conductance-ratio multiplier, {mac.inputs} inputs, {mac.columns} columns",
        elements=(
            elapsed_line(run.state.elapsed),
            *supplies,
            *run.phases.sources(),
            circuit.instance("mac", {port: port for port in circuit.ports}),
        ),
        definitions=(*models, *circuit.definitions()),
        temperature=run.state.temperature,
        outputs=(*(f"v(out{j})" for j in range(mac.columns)), *further),
    )


def _transient(run: RatioRun | TransistorRun, netlist: Netlist, step: float) -> Simulation:
    """The transient of all conversions, its longest step given [s]."""
    analysis = Transient(step=step, stop=run.phases.stop, max_step=step)
    return Simulation(netlist.text(options=TRANSIENT_OPTIONS), analysis, netlist.outputs)


def _results(
    run: RatioRun | TransistorRun, result: Result
) -> Float[np.ndarray, "conversions columns"]:
    times = run.phases.samples
    read = [values_at(result, f"v(out{j})", times) for j in range(run.mac.columns)]
    return run.mac.common_mode - np.stack(read, axis=1)
