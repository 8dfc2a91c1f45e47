"""The surrogate of a whole tile against the numpy twins, and through its quantiser."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cosim.cell import TileCell
from cosim.engine.solver import SolverEngine
from cosim.errors import SpecError
from cosim.surrogate import LineModeGalerkin
from cosim.surrogate.sensing_law import Settling
from cosim.surrogate.tile_model import TileModel
from netlists.signal_chain import SignalChain


TIA = {"kind": "tia", "common_mode": 0.9, "resistance": 5e3}
INTEGRATOR = {"kind": "integrator", "capacitance": 2e-12, "window": 100e-9, "switch": "ideal"}
SAR = {"kind": "sar", "bits": 6, "low": 0.1, "high": 0.9}
SLOW_SAR = {**SAR, "slot": 40e-9}
READOUTS = {
    "sar": {"sensing": TIA, "adc": SAR},
    "flash": {"sensing": TIA, "adc": {"kind": "flash", "bits": 4, "low": 0.2, "high": 0.9}},
    "ramp": {"sensing": TIA, "adc": {"kind": "ramp", "bits": 5, "low": 0.2, "high": 0.9}},
    "volts": {"sensing": TIA},
    "differential": {"sensing": TIA, "adc": SAR, "weights": "differential"},
    "offset": {"sensing": TIA, "adc": SAR, "weights": "offset"},
    "integrator": {"sensing": INTEGRATOR, "adc": SLOW_SAR},
}
CODINGS = {"dac": 4, "bit_serial": 3, "pulse_width": 3}


@pytest.fixture(scope="module")
def tile(rram_tile):
    """A maker of 8 x 4 tiles with a read-out and a coding."""

    def make(readout: str = "sar", coding: str | None = "dac", **changes):
        inputs = None if coding is None else {"coding": coding, "bits": CODINGS[coding]}
        spec = rram_tile(8, 4, readout=READOUTS[readout], cell={"conductance_max": 1e-4}, **changes)
        data = {**spec.model_dump(exclude={"inputs"}), **({"inputs": inputs} if inputs else {})}
        spec = type(spec).from_dict(data)
        return TileModel(spec, LineModeGalerkin.from_spec(spec, TileCell(spec).current))

    return make


def draw(model, samples: int, seed: int = 0):
    """Random conductances and inputs of a tile."""
    generator, spec = np.random.default_rng(seed), model.spec
    G = generator.uniform(5e-6, 1e-4, (spec.rows, spec.cols))
    if spec.inputs is None:
        return generator.uniform(0, 0.2, (samples, spec.rows)), G
    return generator.integers(0, spec.inputs.largest + 1, (samples, spec.rows)).astype(float), G


@pytest.mark.parametrize(
    ("readout", "coding"),
    [
        *((name, "dac") for name in READOUTS),
        ("sar", None),
        ("differential", "bit_serial"),
        ("integrator", "pulse_width"),
    ],
)
def test_outputs_are_those_of_the_twins_on_the_same_currents(tile, readout, coding):
    model = tile(readout, coding)
    X, G = draw(model, 40)
    chain = SignalChain(model.spec)
    V = chain.voltages(X)
    currents = model.line.mvm(V.reshape(-1, 8), G).reshape(len(V), chain.reads, 4)
    expected, found = chain.read_out(currents), model.mvm(X, G)
    assert found.shape == expected.shape
    if readout == "volts":
        np.testing.assert_allclose(found, expected, atol=1e-9)
    else:
        assert np.ptp(expected) > 3
        # A voltage that lies on a transition may fall to either side.
        assert (found == expected).mean() > 0.99
        assert np.abs(found - expected).max() <= model.coding.conversions**2


def test_codes_equal_those_of_the_exact_circuit_by_the_thousand(tile):
    model = tile()
    equal, total = 0, 0
    engine, chain = SolverEngine(model.spec, threads=1), SignalChain(model.spec)
    for seed in range(8):
        X, G = draw(model, 100, seed)
        currents = engine.mvm(G, chain.voltages(X)[:, 0])
        off = np.abs(model.mvm(X, G) - chain.read_out(currents[:, None, :]))
        assert off.max() <= 1
        equal, total = equal + int((off == 0).sum()), total + off.size
    assert total == 3200
    assert equal / total > 0.995


@pytest.mark.parametrize("coding", ["dac", "bit_serial"])
def test_gradients_pass_the_quantiser_as_if_there_was_none(tile, coding):
    """The slope of a code is that of the straight line through the steps."""
    model = tile("sar", coding)
    X, G = (torch.from_numpy(array).requires_grad_(True) for array in draw(model, 6))
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=(6, 4)))
    (weights * model(X, G)).sum().backward()
    lsb = (SAR["high"] - SAR["low"]) / 64

    def line(codes, conductances):
        currents = model.read_currents(codes, conductances)
        per_read = (0.9 - model.sensing(model.coding.converted(currents))) / lsb
        return (weights * model.coding.combined(per_read)).sum()

    X2, G2 = X.detach().clone().requires_grad_(True), G.detach().clone().requires_grad_(True)
    line(X2, G2).backward()
    assert G.grad.abs().max() > 0
    torch.testing.assert_close(G.grad, G2.grad, rtol=1e-9, atol=0.0)
    torch.testing.assert_close(X.grad, X2.grad, rtol=1e-9, atol=0.0)


def test_a_code_at_the_end_of_the_converter_has_no_slope(tile):
    model = tile("sar", "dac")
    high = dict(model.spec.readout.model_dump())
    high["adc"] = {**high["adc"], "low": 0.89, "high": 0.9}
    spec = type(model.spec).from_dict({**model.spec.model_dump(), "readout": high})
    G = torch.full((8, 4), 1e-4, dtype=torch.float64, requires_grad=True)
    outputs = TileModel(spec, model.line)(torch.full((1, 8), 15.0, dtype=torch.float64), G)
    assert (outputs == 63).all()
    outputs.sum().backward()
    assert G.grad.abs().max() == 0


def test_single_precision_gives_the_same_codes_but_at_transitions(tile):
    model = tile()
    X, G = draw(model, 50)
    double = model.mvm(X, G)
    single = model.float().mvm(X, G)
    assert np.abs(double - single).max() <= 1
    assert (double == single).mean() > 0.98


def test_reads_in_sequence_remember_the_one_before_only_where_there_is_no_time(tile):
    model = tile()
    X, G = draw(model, 12)
    settled = model.mvm(X, G)
    hurried = model.over_time(X, G)
    assert hurried.outputs.shape == (12, 4)
    slow = dict(model.spec.readout.model_dump())
    slow["adc"] = {**slow["adc"], "slot": 200e-9}
    spec = type(model.spec).from_dict({**model.spec.model_dump(), "readout": slow})
    patient = TileModel(spec, model.line).over_time(X, G)
    assert (patient.outputs.numpy() == settled).all()
    assert (hurried.outputs.numpy() != settled).any()
    assert 0 < hurried.latency.max() < 25e-9


def test_the_memory_of_an_amplifier_is_that_of_its_differential_equation():
    """Two poles, integrated in small steps, against the closed form."""
    settling, S = Settling(2 * np.pi * 1e8, 5e3, 2e-13), 4e-4
    w, R, C = settling.bandwidth, settling.resistance, settling.capacitance
    end, steps = 20e-9, 200_000
    left, slope, dt = 1.0, 0.0, end / steps
    for _ in range(steps):
        slope += dt * -(w * left + (1 + R * S + w * R * C) * slope) / (R * C)
        left += dt * slope
    found = float(settling.memory(torch.tensor([S], dtype=torch.float64), end)[0])
    assert found == pytest.approx(left, rel=1e-3)
    until = settling.time_until(
        torch.tensor([S], dtype=torch.float64), torch.tensor([found], dtype=torch.float64)
    )
    assert float(until[0]) == pytest.approx(end, rel=1e-6)


def test_a_tile_without_a_readout_and_energies_that_were_never_fitted_are_refused(tile, rram_tile):
    model = tile()
    with pytest.raises(SpecError, match=r"has no \[readout\]"):
        TileModel(rram_tile(8, 4), model.line)
    with pytest.raises(SpecError, match="has no energies"):
        model.energy(*(torch.from_numpy(array) for array in draw(model, 2)))
