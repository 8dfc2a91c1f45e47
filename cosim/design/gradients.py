"""What the loss hinges on: its gradient in the logarithm of what the tiles are made of.

    loss ◄── network ◄── converters ◄── gain ◄── currents ◄── circuit (wires, drivers, gates, gain)

The circuit is solved, and its gradient is that of the adjoint system (`cosim.solver.operation`), so
the slopes are exact for resistances, the gate voltage and the read voltage, whatever engine a sweep
uses. Each layer's calibrated gain is part of the function: what a common factor can make up for
costs nothing. Roundings pass straight through; a converter's range moves what it cuts off and its
steps, so that the slope of the amplifiers' gain is that of a smooth stand-in.

A slope of 0.1 per ln says that 10 % more of a parameter raises the loss by about 0.01.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cosim.nn import AnalogLayer, Chip, analog_layers, programmed
from cosim.nn.quantize import clamped
from cosim.solver.operation import Tunable, tile_currents
from cosim.solver.solve import EXACT, TileSolver
from netlists.circuits.tia import Tia
from netlists.specs import TileSpec


PARAMETERS = {
    "wires.input_line_resistance": "ohm",
    "wires.output_line_resistance": "ohm",
    "drivers.source_resistance": "ohm",
    "sensing.input_resistance": "ohm",
    "drivers.read_voltage": "V",
    "cell.gate_voltage": "V",
    "readout.sensing.resistance": "ohm",
}


@dataclass(frozen=True)
class Sensitivity:
    """How the loss goes with one parameter.

    Attributes:
        parameter: path of the field.
        value: of it, SI.
        unit: of the value.
        slope: of the loss in the logarithm of the value.
    """

    parameter: str
    value: float
    unit: str
    slope: float


@dataclass(frozen=True)
class Circuit:
    """A tile's circuit as a function of factors on its parameters.

    Attributes:
        tile: its specification.
        solver: of the tile.
        factors: by parameter; 1 leaves it as it is.
    """

    tile: TileSpec
    solver: TileSolver
    factors: dict[str, Tensor]

    def currents(
        self, G: Float[Tensor, "*tiles rows cols"], V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] per read voltage of the specification."""
        cell, scale = self.tile.cell, self.factors["drivers.read_voltage"]
        inside = clamped(G.double(), cell.conductance_min, cell.conductance_max)
        volts = V.double() * scale
        volts = volts.expand(*G.shape[:-2], *volts.shape[-2:])
        return tile_currents(self.solver, volts, inside, self.tunable()) / scale

    def tunable(self) -> Tunable:
        """Wires, their ends and gates with their factors."""
        tile = self.tile
        row = tile.wires.input_line_resistance * self.factor("wires.input_line_resistance")
        col = tile.wires.output_line_resistance * self.factor("wires.output_line_resistance")
        source = tile.drivers.source_resistance * self.factor("drivers.source_resistance")
        gate = None
        if "cell.gate_voltage" in self.factors:
            own = torch.from_numpy(self.solver.circuit.gate_voltage.copy())
            gate = own * self.factor("cell.gate_voltage")
        return Tunable(row, source + row, col, self._sense_resistance() + col, gate)

    def factor(self, name: str) -> Float[Tensor, ""]:
        """The factor on one parameter."""
        return self.factors.get(name, torch.ones((), dtype=torch.float64))

    def _sense_resistance(self) -> Float[Tensor, ""]:
        """From the end of a line to what holds it [ohm]."""
        own = self.tile.sensing.input_resistance * self.factor("sensing.input_resistance")
        readout = self.tile.readout
        if readout is None:
            return own
        held = readout.sensing.input_resistance
        if not isinstance(readout.sensing, Tia):
            return own + held
        more = self.factor("readout.sensing.resistance") - 1.0
        gain = readout.sensing.amplifier.macromodel().gain
        return own + held + readout.sensing.resistance * more / (1.0 + gain)

    def range_factor(self) -> Float[Tensor, ""]:
        """What the currents at the ends of the converters' ranges are multiplied with."""
        gain = self.factor("readout.sensing.resistance")
        return 1.0 / (gain * self.factor("drivers.read_voltage"))


def sensitivities(
    network: nn.Module,
    tile: TileSpec,
    chip: Chip,
    x: Float[Tensor, "images ..."],
    labels: Int[Tensor, " images"],
    typical: Float[Tensor, "typical ..."],
    threads: int | None = None,
) -> list[Sensitivity]:
    """Slopes of the cross entropy, largest first.

    Args:
        network: on tiles of this specification.
        tile: its tiles.
        chip: that the network was programmed into.
        x: images.
        labels: their classes.
        typical: images that gains are calibrated on.
        threads: of the solver; all cores when None.

    Raises:
        SimulationFailed: a circuit without a solution.
        CardError: a conductance outside of the range of the device's card.
    """
    solver = TileSolver(tile, EXACT, threads=threads)
    values = parameters_of(tile, solver)
    logs = {name: torch.zeros((), dtype=torch.float64, requires_grad=True) for name in values}
    circuit = Circuit(tile, solver, {name: log.exp() for name, log in logs.items()})
    found = loss(network, circuit, chip, x, labels, typical)
    slopes = torch.autograd.grad(found, list(logs.values()), allow_unused=True)
    result = [
        Sensitivity(name, values[name], PARAMETERS[name], 0.0 if slope is None else float(slope))
        for name, slope in zip(logs, slopes, strict=True)
    ]
    return sorted(result, key=lambda one: -abs(one.slope))


def parameters_of(tile: TileSpec, solver: TileSolver) -> dict[str, float]:
    """The parameters that a tile has, with their values; zeros have no logarithm."""
    readout = tile.readout
    sensing = None if readout is None else readout.sensing
    gated = any("gate" in part.held.values() for part in solver.cell.elements)
    values = {
        "wires.input_line_resistance": tile.wires.input_line_resistance,
        "wires.output_line_resistance": tile.wires.output_line_resistance,
        "drivers.source_resistance": tile.drivers.source_resistance,
        "sensing.input_resistance": tile.sensing.input_resistance,
        "drivers.read_voltage": tile.drivers.read_voltage,
        "cell.gate_voltage": (tile.cell.gate_voltage or 0.0) if gated else 0.0,
        "readout.sensing.resistance": sensing.resistance if isinstance(sensing, Tia) else 0.0,
    }
    return {name: value for name, value in values.items() if value}


def loss(
    network: nn.Module,
    circuit: Circuit,
    chip: Chip,
    x: Float[Tensor, "images ..."],
    labels: Int[Tensor, " images"],
    typical: Float[Tensor, "typical ..."],
) -> Float[Tensor, ""]:
    """Cross entropy of a network on a chip whose tiles are a circuit, its gains calibrated anew."""
    network, x, typical = copy.deepcopy(network).double().eval(), x.double(), typical.double()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    inputs = _inputs_of_layers(network, typical)
    for layer in analog_layers(network):
        layer.gain = _gain(layer, inputs[layer], circuit)
        _scale_ranges(layer, circuit)
    with programmed(network, [chip], "ideal"):
        for layer in analog_layers(network):
            if layer.programmed is not None:
                layer.programmed = replace(layer.programmed, currents=circuit.currents)
        return nn.functional.cross_entropy(network(x), labels)


@torch.no_grad()
def _inputs_of_layers(
    network: nn.Module, typical: Float[Tensor, "typical ..."]
) -> dict[AnalogLayer, Tensor]:
    """What each layer sees of typical images, with exact products."""
    seen: dict[AnalogLayer, Tensor] = {}
    handles = [
        layer.register_forward_pre_hook(
            lambda module, given: seen.__setitem__(module, given[0].to(module.weight.dtype))
        )
        for layer in analog_layers(network)
    ]
    network(typical)
    for handle in handles:
        handle.remove()
    return seen


def _gain(layer: AnalogLayer, x: Tensor, circuit: Circuit) -> Float[Tensor, ""]:
    """The least-squares factor from tile outputs to exact ones, as a function of the circuit."""
    mode = None if layer.adc is None else layer.adc.mode
    if layer.adc is not None:
        layer.adc.mode = "bypass"
    unit = layer.rows_of(layer.unit_inputs(x)).double()
    G = layer.target_conductances().double()
    exact = layer.ideal_outputs(unit, G)
    tile = layer.tile_outputs(unit, G, circuit.currents)
    if layer.adc is not None and mode is not None:
        layer.adc.mode = mode
    return (exact * tile).sum() / tile.square().sum()


def _scale_ranges(layer: AnalogLayer, circuit: Circuit) -> None:
    """Let the range of a layer's converters follow the gain of the amplifiers."""
    adc = layer.adc
    if adc is None:
        return
    adc.high = adc.high.double() * circuit.range_factor()
    if not adc.signed:
        adc.low = adc.low.double() * circuit.range_factor()
