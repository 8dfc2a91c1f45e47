"""Gradients of the loss in the circuit's parameters, against differences of the whole function."""

import math

import pytest
import torch

from cosim.cell import TileCell
from cosim.design.gradients import Circuit, loss, parameters_of, sensitivities
from cosim.nn import (
    TileSettings,
    TrainSettings,
    analog_layers,
    calibrate_gain,
    convert,
    program,
    train,
)
from cosim.solver.solve import EXACT, TileSolver
from cosim.studies.networks import multilayer_perceptron
from cosim.surrogate import LineModeGalerkin


STEP = 1e-3


@pytest.fixture(scope="module")
def case(rram_tile, images):
    """A small network on tiles whose wires matter."""
    tile = rram_tile(
        8,
        6,
        wires={"input_line_resistance": 60.0, "output_line_resistance": 90.0},
        drivers={"source_resistance": 300.0},
        sensing={"input_resistance": 100.0},
        readout={
            "weights": "differential",
            "sensing": {"kind": "tia", "resistance": 2e3},
            "adc": {"kind": "sar", "bits": 10, "low": 0.1, "high": 0.9},
        },
    )
    network = convert(
        multilayer_perceptron([8, 5, 3], 1), tile, images.train_images[:50], TileSettings(16)
    ).eval()
    calibrate_gain(
        network, images.train_images[:20], LineModeGalerkin.from_spec(tile, TileCell(tile).current)
    )
    for layer in analog_layers(network):
        layer.adc.mode = "bypass"  # its steps would show in differences
    return tile, network, program(network, 0, None)


@pytest.fixture(scope="module")
def solver(case):
    return TileSolver(case[0], EXACT)


def value(case, solver, images, name, step):
    tile, network, chip = case
    factors = {key: torch.ones((), dtype=torch.float64) for key in parameters_of(tile, solver)}
    factors[name] = torch.tensor(math.exp(step), dtype=torch.float64)
    with torch.no_grad():
        return float(
            loss(
                network,
                Circuit(tile, solver, factors),
                chip,
                images.test_images[:6],
                images.test_labels[:6],
                images.train_images[:5],
            )
        )


def test_slopes_are_those_of_finite_differences(case, solver, images):
    tile, network, chip = case
    found = sensitivities(
        network,
        tile,
        chip,
        images.test_images[:6],
        images.test_labels[:6],
        images.train_images[:5],
    )
    assert {one.parameter for one in found} == set(parameters_of(tile, solver))
    assert [abs(one.slope) for one in found] == sorted(
        (abs(one.slope) for one in found), reverse=True
    )
    largest = abs(found[0].slope)
    for one in found:
        difference = (
            value(case, solver, images, one.parameter, STEP)
            - value(case, solver, images, one.parameter, -STEP)
        ) / (2 * STEP)
        assert one.slope == pytest.approx(difference, rel=2e-3, abs=1e-5 * largest), one.parameter


def test_the_network_is_left_as_it_was(case, images):
    tile, network, chip = case
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    sensitivities(
        network,
        tile,
        chip,
        images.test_images[:4],
        images.test_labels[:4],
        images.train_images[:4],
    )
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_an_amplifier_that_cuts_signals_off_is_told_to_have_less_gain(rram_tile, images):
    """With a range that is much too narrow the loss rises with the gain."""
    tile = rram_tile(
        8,
        6,
        readout={
            "weights": "differential",
            "sensing": {"kind": "tia", "resistance": 5e4},
            "adc": {"kind": "sar", "bits": 8, "low": 0.1, "high": 0.9},
        },
    )
    images_ = images.train_images
    network = multilayer_perceptron([8, 5, 3], 1)
    train(network, images_, images.train_labels, TrainSettings(10, 32, 1e-2))
    network = convert(network, tile, images_[:50], TileSettings(16)).eval()
    found = sensitivities(
        network,
        tile,
        program(network, 0, None),
        images.test_images[:20],
        images.test_labels[:20],
        images_[:10],
    )
    slopes = {one.parameter: one.slope for one in found}
    assert slopes["readout.sensing.resistance"] > 0
