"""Laws fitted to reads over time in ngspice, judged on reads that no fit has seen."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from cosim.cell import TileCell
from cosim.characterize import SamplingPlan
from cosim.characterize.tiles import TileValidation
from cosim.characterize.transients import fresh_transients
from cosim.errors import DatasetError, ShapeError, SpecError
from cosim.ngspice import Workers
from cosim.read_sequences import ReadSequences
from cosim.surrogate import LineModeGalerkin, Provenance, load, save
from cosim.surrogate.energy_model import FEATURES, EnergyModel
from cosim.surrogate.switching import restoring_energy, switching_energy
from cosim.surrogate.tile_certificate import TileCertificate, tile_errors
from cosim.surrogate.tile_fit import fit_tile
from cosim.surrogate.tile_model import TileModel, Waiting
from netlists.circuits.sar_adc import SarAdc
from netlists.specs import TileSpec


PROVENANCE = Provenance("0123456789abcdef", "ngspice", {"ngspice": "44.2"}, {"samples": 0})


@pytest.fixture(scope="module")
def spec(rram_tile):
    """A 6 x 3 tile whose amplifiers have not quite settled when they are sampled."""
    adc = {"kind": "sar", "bits": 5, "low": 0.2, "high": 0.9}
    sensing = {"kind": "tia", "common_mode": 0.9, "resistance": 8e3}
    return rram_tile(
        6, 3, wires={"card": "wire__65nm_neurosim2020"}, cell={"conductance_max": 1e-4},
        inputs={"coding": "dac", "bits": 4}, readout={"sensing": sensing, "adc": adc},
    )  # fmt: skip


@pytest.fixture(scope="module")
def reads(spec):
    """Seven sequences of six reads in ngspice."""
    plan = SamplingPlan(samples=1, seed=2, transients=7, reads_per_transient=6)
    with Workers(1) as workers:
        return fresh_transients(spec, plan, workers)


@pytest.fixture(scope="module")
def line(spec):
    return LineModeGalerkin.from_spec(spec, TileCell(spec).current)


@pytest.fixture(scope="module")
def fitted(spec, line, reads):
    return fit_tile(spec, line, reads, PROVENANCE, held_out=0.5, seed=0)


def test_codes_energy_and_latency_of_unseen_reads(fitted):
    errors = fitted.certificate.errors
    assert errors.conversions == errors.sequences * 6 * 3
    assert errors.codes_equal >= 0.95
    assert errors.codes_within_one == 1.0
    assert errors.energy["total"] < 0.02
    assert errors.energy["adc"] < 0.05
    assert errors.latency < 0.05
    assert abs(errors.longest_latency) < 0.05


def test_the_fit_and_the_memory_of_amplifiers_are_worth_their_while(spec, line, reads, fitted):
    """Neither the twins as they are nor a fit that reads each vector by itself does as well."""
    of_twins = tile_errors(TileModel(spec, line, energy_model=fitted.model.energy_model), reads)
    assert of_twins.volts > 1.5 * fitted.certificate.errors.volts
    pairs = zip(reads.inputs, reads.conductance, reads.codes, strict=True)
    alone = np.mean([fitted.model.mvm(X, G) == codes for X, G, codes in pairs])
    assert alone < fitted.certificate.errors.codes_equal - 0.05


def test_the_energy_of_a_read_by_itself_is_near_that_in_a_sequence(reads, fitted):
    model = fitted.model
    X, G = torch.from_numpy(reads.inputs[0]), torch.from_numpy(reads.conductance[0])
    alone = sum(joule.sum() for joule in model.energy(X, G).values())
    measured = sum(joule[0].sum() for joule in reads.energy.values())
    assert float(alone) == pytest.approx(measured, rel=0.1)
    G.requires_grad_(True)
    model.energy(X, G)["level"].sum().backward()
    assert (G.grad >= 0).all()
    assert G.grad.max() > 0


def test_a_stored_tile_gives_the_same_codes_energies_and_latencies(tmp_path, spec, reads, fitted):
    model = fitted.model
    folder = _saved(tmp_path, spec, fitted)
    stored = load(folder, spec.content_hash())
    assert stored.tile_certificate == fitted.certificate
    before, after = (
        one.over_time(reads.inputs[0], reads.conductance[0]) for one in (model, stored.tile)
    )
    assert torch.equal(before.outputs, after.outputs)
    torch.testing.assert_close(before.latency, after.latency, rtol=0.0, atol=0.0)
    for block, joule in before.energy.items():
        torch.testing.assert_close(joule, after.energy[block], rtol=0.0, atol=0.0)


def _saved(folder, spec, fitted):
    dump = spec.model_dump(mode="json")
    return save(
        folder / "surrogate", fitted.model.line, dump, spec.content_hash(),
        tile=fitted.model, tile_certificate=fitted.certificate,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"tile": {}},
        {"tile": {"sensing": {}, "converter": {}, "energy": [], "waiting": {}}},
        {"tile": 3},
        {"tile_certificate": {"errors": {}}},
        {"temperatures": {"temperatures": [300.0]}},
        {"spec": {"rows": 6}},
    ],
)
def test_a_damaged_description_of_a_tile_is_refused(tmp_path, spec, fitted, changes):
    folder = _saved(tmp_path, spec, fitted)
    path = folder / "surrogate.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(DatasetError):
        load(folder)


def test_a_validation_finds_a_tile_that_is_not_what_its_certificate_says(spec, reads, fitted):
    errors = fitted.certificate.errors
    assert TileValidation(errors, errors).holds
    model = fitted.model
    shifted = model.sensing.fitted(0.02, 0.0, model.sensing.settling)
    other = TileModel(spec, model.line, shifted, model.converter, model.energy_model, model.waiting)
    worse = TileValidation(tile_errors(other, reads), errors)
    assert not worse.holds
    assert worse.failures()[0].startswith("equal codes")
    assert "do not hold" in worse.table()


def test_one_sequence_is_too_few(spec, line, reads):
    with pytest.raises(ShapeError, match="needs at least 2"):
        fit_tile(spec, line, reads.of(np.array([0])), PROVENANCE)
    with pytest.raises(ShapeError, match="no reads over time"):
        ReadSequences.joined([])


@pytest.mark.wrong_input
def test_reads_over_time_need_a_readout(rram_tile):
    plan = SamplingPlan(samples=1, transients=1)
    with pytest.raises(SpecError, match=r"has no \[readout\]"):
        fresh_transients(rram_tile(4, 2), plan, None)


def test_a_certificate_comes_back_from_plain_values_or_is_refused(fitted):
    data = fitted.certificate.to_dict()
    assert TileCertificate.from_dict(data) == fitted.certificate
    assert "codes" in fitted.certificate.table()
    del data["errors"]["latency"]
    with pytest.raises(DatasetError, match="missing or unknown fields"):
        TileCertificate.from_dict(data)


# -- the parts by themselves


def test_energies_that_are_sums_of_features_are_found_exactly():
    generator = np.random.default_rng(0)
    values = generator.uniform(0, 1, (40, len(FEATURES))) * 10.0 ** -np.arange(len(FEATURES))
    level = 3.0 * values[:, FEATURES.index("level")] + 0.5 * values[:, FEATURES.index("lag")]
    model = EnergyModel.fit(values, {"level": level, "sensing": np.zeros(40)})
    found = model.energy(torch.from_numpy(values))
    np.testing.assert_allclose(found["level"], level, rtol=1e-4)
    np.testing.assert_allclose(found["sensing"], 0.0, atol=1e-12)


def test_a_conversion_costs_what_its_charges_cost():
    """Two bits by hand: charges of all plates, reference by reference."""
    adc = SarAdc(bits=3, low=0.0, high=1.0, common=0.5, unit_capacitance=1e-15)
    v, code = 0.3, 2
    C = np.array([1.0, 1.0, 2.0, 4.0]) * 1e-15
    plates, top, energy = np.full(4, v), 0.5, 0.0
    for bits in ((0, 0, 0, 1), (0, 0, 1, 0), (0, 1, 1, 0), (0, 0, 1, 0)):
        held = np.array(bits, dtype=float)
        lifted = top + (C * (held - plates)).sum() / C.sum()
        charge = C * ((held - lifted) - (plates - top))
        energy += float((held * charge).sum())
        plates, top = held, lifted
    volts = torch.tensor([v], dtype=torch.float64)
    found = switching_energy(adc, volts, torch.tensor([float(code)], dtype=torch.float64))
    assert float(found[0]) == pytest.approx(energy, rel=1e-12)
    back = restoring_energy(adc, volts, torch.tensor([0.7], dtype=torch.float64))
    assert float(back[0]) == pytest.approx(0.5 * 8e-15 * 0.4, rel=1e-12)


def test_waiting_takes_reads_that_do_not_change_apart():
    settling = np.array([0.0, 10.0, 12.0, 0.0]) * 1e-9
    latency = np.array([5.0, 10.5, 12.5, 5.0]) * 1e-9
    waiting = Waiting.fit(settling, latency)
    np.testing.assert_allclose(waiting.latency(torch.from_numpy(settling)), latency, rtol=1e-12)


def test_specs_of_tiles_with_a_readout_survive_their_own_dump(spec):
    assert TileSpec.from_dict(spec.model_dump(mode="json")).content_hash() == spec.content_hash()
