"""The block of a tile in ngspice: the surrogate's currents, close to those of the full netlist."""

from dataclasses import replace

import numpy as np
import pytest

from compact_models import compile_text
from cosim.cell import TileCell
from cosim.engine import NgspiceEngine
from cosim.errors import InputError
from cosim.ngspice import OperatingPoint, Simulation, Workers
from cosim.ngspice.batch import BatchRunner
from cosim.surrogate import (
    AlphaBeta,
    IdealProduct,
    LineModeFields,
    LineModeGalerkin,
    Provenance,
    TileSamples,
    certify,
    domain_of,
)
from cosim.surrogate.export import block_of, module_text, subcircuit_text
from netlists.tile import tile_netlist


ROWS, COLS = 8, 5


@pytest.fixture(scope="module")
def spec(rram_tile):
    resistances = {"input_line_resistance": 5.0, "output_line_resistance": 5.0}
    return rram_tile(ROWS, COLS, wires=resistances)


@pytest.fixture(scope="module")
def surrogate(spec):
    return LineModeGalerkin.from_spec(spec, TileCell(spec).current)


@pytest.fixture(scope="module")
def drawn():
    generator = np.random.default_rng(5)
    G = generator.uniform(5e-6, 150e-6, (ROWS, COLS))
    V = generator.uniform(0, 0.2, (6, ROWS)) * (generator.random((6, ROWS)) > 0.3)
    return V, G


@pytest.fixture(scope="module")
def block(surrogate, drawn):
    return block_of(surrogate, drawn[1])


def drives(V):
    return [f"vin_{i} in_{i} 0 {float(volt)!r}" for i, volt in enumerate(V)]


def solved(deck, currents):
    """Currents through voltage sources at the operating point [A]."""
    outputs = tuple(f"i({name})" for name in currents)
    result = BatchRunner().run(Simulation(deck, OperatingPoint(), outputs), 60.0)
    assert result.status.ok, result.status
    return np.array([result.vectors[name].item() for name in outputs])


INPUTS = [f"vin_{i}" for i in range(ROWS)]
OUTPUTS = [f"vsense_{j}" for j in range(COLS)]


def in_spice(block, V, load=0.0):
    """Output and input currents of the block, its outputs through `load` [ohm] to 0 V."""
    nets = " ".join([*(f"in_{i}" for i in range(ROWS)), *(f"c_{j}" for j in range(COLS))])
    sensors = [f"rload_{j} c_{j} s_{j} {load or 1e-9!r}" for j in range(COLS)]
    sensors += [f"vsense_{j} s_{j} 0 0" for j in range(COLS)]
    text = subcircuit_text(block, "tile", ["a tile", "bound: 1e-8 A"])
    rows = []
    for vector in V:
        lines = ["a tile as a block", text, *drives(vector), f"x1 {nets} tile", *sensors]
        rows.append(solved("\n".join([*lines, ".end"]), [*OUTPUTS, *INPUTS]))
    found = np.array(rows)
    return found[:, :COLS], -found[:, COLS:]


def full_netlist(spec, V, G):
    """Output and input currents of the tile with every wire and transistor."""
    rows = [
        solved(tile_netlist(spec, G).with_elements(*drives(vector)).text(), [*OUTPUTS, *INPUTS])
        for vector in V
    ]
    found = np.array(rows)
    return found[:, :COLS], -found[:, COLS:]


def test_the_polynomials_are_the_surrogate(surrogate, block, drawn):
    V, G = drawn
    expected = surrogate.mvm(V, G)
    np.testing.assert_allclose(
        block.output_currents(V), expected, rtol=0, atol=1e-12 * np.ptp(expected)
    )


@pytest.fixture(scope="module")
def currents(spec, block, drawn):
    """Of the block, and of the full netlist."""
    return in_spice(block, drawn[0]), full_netlist(spec, *drawn)


def test_ngspice_gives_the_surrogates_currents(surrogate, currents, drawn):
    (found, _), _ = currents
    expected = surrogate.mvm(*drawn)
    assert np.abs(found - expected).max() < 1e-6 * np.ptp(expected)


def test_the_block_is_as_close_to_the_full_netlist_as_the_certificate_says(
    spec, surrogate, currents
):
    generator = np.random.default_rng(8)
    jobs = [
        (generator.uniform(5e-6, 150e-6, (ROWS, COLS)), generator.uniform(0, 0.2, (8, ROWS)))
        for _ in range(12)
    ]
    with Workers(1, runner="batch") as workers:
        outputs = np.concatenate(NgspiceEngine(spec, workers).mvm_many(jobs))
    samples = TileSamples(
        np.stack([G for G, _ in jobs]),
        np.concatenate([V for _, V in jobs]),
        outputs,
        np.repeat(np.arange(len(jobs)), 8),
    )
    provenance = Provenance(spec.content_hash(), "ngspice", {}, {})
    certificate = certify(surrogate, *samples.split(0.3, 0), provenance)
    (found, _), (expected, _) = currents
    errors = np.abs(found - expected)
    assert (errors <= certificate.bound(0.99)).mean() >= 0.95
    assert errors.max() <= 2 * certificate.bound(0.99)


def test_the_block_draws_what_the_full_netlist_draws(currents):
    (outputs, drawn), (_, expected) = currents
    np.testing.assert_allclose(drawn, expected, rtol=0, atol=2e-3 * np.ptp(expected))
    np.testing.assert_allclose(drawn.sum(1), outputs.sum(1), rtol=2e-3)


def test_a_load_at_the_outputs_acts_as_it_does_on_the_full_netlist(spec, block, drawn):
    V, G = drawn[0][:3], drawn[1]
    load = 200.0
    sensing = spec.sensing.model_copy(update={"input_resistance": load})
    expected, _ = full_netlist(spec.model_copy(update={"sensing": sensing}), V, G)
    found, _ = in_spice(block, V, load)
    unloaded = block.output_currents(V)
    lost = np.abs(unloaded - expected).max()
    assert lost > 0.02 * np.ptp(expected)  # the load matters
    assert np.abs(found - expected).max() < 0.1 * lost


def test_our_compiler_takes_the_module_and_it_gives_the_same_currents(rram_tile, drawn):
    spec = rram_tile(3, 2, wires={"input_line_resistance": 50.0})
    V, G = drawn[0][:, :3], drawn[1][:3, :2]
    block = block_of(LineModeGalerkin.from_spec(spec, TileCell(spec).current), G)
    model = compile_text(module_text(block, "tile", ["a tile"]))
    assert model.ports == ("r0", "r1", "r2", "c0", "c1")
    kernel = model.to_numba()
    x = np.concatenate([V, np.zeros((len(V), 2))], axis=1)
    into = kernel.evaluate(x, np.full(len(kernel.parameters), 300.15))[:, :5]
    expected = block.output_currents(V)
    tolerance = 1e-12 * np.ptp(expected)
    np.testing.assert_allclose(-into[:, 3:], expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(into[:, :3], block.input_currents(V), rtol=0, atol=tolerance)


def test_products_are_blocks_too(spec, drawn):
    V, G = drawn
    ideal = block_of(IdealProduct(ROWS, COLS, domain_of(spec)), G)
    found, drawn_currents = in_spice(ideal, V[:2])
    np.testing.assert_allclose(found, V[:2] @ G, rtol=1e-6)
    np.testing.assert_allclose(drawn_currents, V[:2] * G.sum(1), rtol=1e-6, atol=1e-12)
    alpha_beta = AlphaBeta.from_spec(spec, TileCell(spec).current)
    found, _ = in_spice(block_of(alpha_beta, G), V[:1])
    np.testing.assert_allclose(found, alpha_beta.mvm(V[:1], G), rtol=1e-6)


def test_a_kind_that_is_no_polynomial_is_refused(spec, drawn):
    fields = LineModeFields.from_spec(spec, TileCell(spec).current)
    with pytest.raises(InputError, match="circuits take ideal, series_resistance"):
        block_of(fields, drawn[1])


def test_a_name_that_is_none_is_refused(block):
    with pytest.raises(InputError, match="cannot name a Verilog-A module"):
        module_text(block, "2tiles")
    with pytest.raises(InputError, match="control character"):
        subcircuit_text(block, "tile", ["a\n.shell rm"])


def test_a_cell_that_is_off_leaves_no_output_without_a_path(block):
    dark = replace(block, output_conductance=np.zeros(COLS))
    assert "gl0 c0 0 c0 0 1e-15" in subcircuit_text(dark, "tile")
