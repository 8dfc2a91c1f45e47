"""A designer's own netlist through the whole chain: simulate, characterise, fit, validate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cosim.characterize import SamplingPlan, characterize
from cosim.characterize.choosing import choose
from cosim.cli.main import main
from cosim.engine import NgspiceEngine, SolverEngine
from cosim.errors import SpecError
from cosim.ngspice import Workers
from cosim.surrogate import load
from netlists.specs import TileSpec
from netlists.toml_files import read_toml


MACRO = Path(__file__).parents[2] / "examples" / "own_macro.toml"


def test_currents_are_those_of_the_circuit():
    # With 1 ohm of transistor each cell is a conductance in series with 2 ohm per row.
    spec = TileSpec.from_toml(MACRO)
    generator = np.random.default_rng(1)
    G, X = generator.uniform(5e-6, 1e-4, (4, 3)), generator.uniform(0, 0.2, (5, 4))
    with Workers(1) as workers:
        currents = NgspiceEngine(spec, workers).mvm(G, X)
    # Level-1 transistor in its linear region, source at 0 V: beta (vg - vt) = 300u * 40 * 1.3 S.
    series = 1 / (1 / G + 1 / (300e-6 * 40 * 1.3))
    rows = X / (1 + 2.0 * series.sum(axis=1))
    np.testing.assert_allclose(currents, rows @ series, rtol=2e-3)


def test_a_macro_with_its_own_amplifiers_gives_the_same_currents(tmp_path: Path):
    text = (MACRO.parent / "own_macro.cir").read_text()
    amplified = text.replace(" b0 b1 b2 vg\n", " o0 o1 o2 vg\n", 1)
    sensors = "".join(f"h{c} o{c} ref vs{c} -1k\nvs{c} b{c} 0 0\n" for c in range(3))
    amplified = amplified.replace("rr0 r0", f"vref ref 0 0.9\n{sensors}rr0 r0", 1)
    (tmp_path / "own_macro.cir").write_text(amplified)
    data = read_toml(MACRO)
    data["external"] |= {"outputs": "o{col}", "sensing": "voltage"}
    data["external"] |= {"output_gain": -1e3, "output_level": 0.9}
    spec = TileSpec.from_dict(data, origin=str(tmp_path / "tile.toml"))
    G, X = np.full((4, 3), 4e-5), np.array([[0.1, 0.0, 0.2, 0.05]])
    with Workers(1) as workers:
        plain = NgspiceEngine(TileSpec.from_toml(MACRO), workers).mvm(G, X)
        currents = NgspiceEngine(spec, workers).mvm(G, X)
    np.testing.assert_allclose(currents, plain, rtol=1e-5)


def test_characterise_fit_validate_and_a_layer_work_on_it(tmp_path: Path):
    data, surrogate = str(tmp_path / "data.zarr"), str(tmp_path / "surrogate")
    characterise = ["characterize", str(MACRO), "--samples", "96", "--inputs-per-matrix", "6"]
    assert main([*characterise, "-o", data, "--quiet"]) == 0
    assert main(["fit", data, "-o", surrogate]) == 0
    assert main(["validate", surrogate, "--samples", "24", "--quiet"]) == 0
    stored = load(surrogate, TileSpec.from_toml(MACRO).content_hash())
    assert stored.certificate is not None
    assert stored.certificate.accuracy.nrmse < 2e-3
    G = torch.full((4, 3), 5e-5, dtype=torch.float64, requires_grad=True)
    stored.surrogate(torch.full((2, 4), 0.1, dtype=torch.float64), G).sum().backward()
    assert G.grad is not None
    assert (G.grad > 0).all()


def test_of_a_netlist_that_saturates_a_fit_keeps_what_learns_from_samples_alone(tmp_path: Path):
    text = (MACRO.parent / "own_macro.cir").read_text()
    for plain, harder in (("vto=0.5 kp=300u", "vto=0.9 kp=200u"), ("w=4u", "w=0.3u")):
        assert plain in text
        text = text.replace(plain, harder)
    (tmp_path / "own_macro.cir").write_text(text.replace("rw=2", "rw=200"))
    spec = TileSpec.from_dict(read_toml(MACRO), origin=str(tmp_path / "tile.toml"))
    plan = SamplingPlan(samples=48, inputs_per_matrix=4)
    with Workers(1) as workers:
        data = characterize(NgspiceEngine(spec, workers), plan, tmp_path / "data.zarr")
    choice = choose(data)
    assert choice.best.kind == "low_rank"
    assert choice.best.error < 5e-4
    rival = next(one for one in choice.candidates if one.kind == "line_mode_galerkin")
    assert rival.error > 5 * choice.best.error
    assert rival.certificate.accuracy.nrmse > 5 * choice.best.certificate.accuracy.nrmse
    assert "fitted to samples alone, as nobody knows the inside" in choice.table()
    slower = choose(data, budget=60.0)
    assert {"low_rank", "small_network"} < {one.kind for one in slower.candidates}


def test_the_solver_refuses_a_netlist_that_it_does_not_know():
    with pytest.raises(SpecError, match="use ngspice, or a surrogate"):
        SolverEngine(TileSpec.from_toml(MACRO))
