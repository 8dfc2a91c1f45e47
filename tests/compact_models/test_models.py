"""The models that come with the package, held against ngspice and the OpenVAF front end."""

import itertools

import numpy as np
import pytest

from compact_models import Device, available_models, load_card, load_model
from compact_models.catalog import ROOT
from compact_models.veriloga.equations import defaults
from compact_models.veriloga.expressions import evaluate, symbol


ROOM = 300.15
RRAM, NMOS = "rram_gap__stanford_jiang2016", "nmos_ekv__generic_130nm"
VOLTAGES = np.array([-1.2, -0.3, 0.0, 0.05, 0.2, 0.6, 1.2, 2.0])


@pytest.fixture(scope="module")
def transistor():
    return load_model("nmos_ekv"), load_card(NMOS)


@pytest.fixture(scope="module")
def device():
    return Device(load_model("rram_gap"), load_card(RRAM), temperature=ROOM)


def fixed(device):
    """The card without the parameter that sets the conductance."""
    return {n: v for n, v in device.card.values.items() if n != "gap_init"}


def test_both_models_come_with_the_package():
    assert {"nmos_ekv", "rram_gap"} <= set(available_models())


@pytest.mark.parametrize("frozen", [True, False])
def test_the_transistor_in_ngspice_is_the_compiled_one_over_the_bias_space(
    transistor, frozen, operating_points
):
    model, card = transistor
    points = list(
        itertools.product([0.0, 0.1, 1.2, 3.0], [0.0, 0.5, 1.2, 2.5], [0.0, 0.4], [0, -0.5])
    )
    text = model.to_ngspice(frozen=frozen, values=card.values)
    spice = operating_points(text, model.name, model.ports, points)
    kernel = model.to_numba(frozen=frozen, values=card.values)
    ours = kernel.evaluate(np.array(points), [ROOM])[:, :4]
    np.testing.assert_allclose(spice, ours, rtol=1e-6, atol=1e-16)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("gap", [0.3e-9, 1.2e-9, 1.65e-9])
def test_the_cell_in_ngspice_is_the_compiled_one(device, frozen, gap, operating_points):
    text = device.model.to_ngspice(frozen=frozen, values=fixed(device))
    points = [(v, 0.0) for v in VOLTAGES]
    spice = operating_points(text, "rram_gap", ("te", "be"), points, f"gap_init={gap!r}")
    current, _ = device.current(VOLTAGES, gap)
    np.testing.assert_allclose(spice[:, 0], current, rtol=1e-6, atol=1e-16)


@pytest.mark.parametrize("name", ["nmos_ekv", "rram_gap"])
def test_every_variable_agrees_with_the_openvaf_front_end(name, openvaf, tmp_path):
    source = (ROOT / "va" / f"{name}.va").read_text()
    wanted = {"nmos_ekv": "vt, vg,", "rram_gap": "gap_used, v,"}[name]
    marked = tmp_path / f"{name}.va"
    marked.write_text(source.replace(f"real {wanted}", f"(* retrieve *) real {wanted}"))
    system = load_model(name).system
    random = np.random.default_rng(0)
    points = [
        {n: float(v) for n, v in zip(system.ports, row, strict=True)}
        for row in random.uniform(-1.5, 1.5, (300, len(system.ports)))
    ]
    branches = {f"br_{a}{b}": (a, b) for a in system.ports for b in system.ports if a != b}
    given = defaults(system, {})
    oracle = openvaf(marked, points, branches, given | {"EXPONENT_LIMIT": 30.0})
    assert len(oracle) >= 5
    values = {symbol("parameter", n): v for n, v in given.items()}
    states = {s.symbol: evaluate([s.initial], values)[0] for s in system.states}
    for variable, expected in oracle.items():
        ours = [
            evaluate(
                [system.variables[variable]],
                {**values, **states, **{symbol("node", n): v for n, v in point.items()}},
            )[0]
            for point in points
        ]
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-30, err_msg=variable)


def test_the_transistor_is_symmetric_in_drain_and_source(transistor):
    model, card = transistor
    kernel = model.to_numba(frozen=True, values=card.values)
    forward = kernel.evaluate(np.array([[0.7, 1.2, 0.1, 0.0]]), [ROOM])[0, 0]
    reverse = kernel.evaluate(np.array([[0.1, 1.2, 0.7, 0.0]]), [ROOM])[0, 0]
    assert forward == pytest.approx(-reverse, rel=1e-14)


def test_the_transistor_has_the_card_s_strong_inversion_conductance(transistor):
    model, card = transistor
    kernel = model.to_numba(frozen=True, values=card.values)
    slope = kernel.jacobians(kernel.evaluate(np.array([[0.0, 1.2, 0.0, 0.0]]), [ROOM]))[0][0, 0, 0]
    beta = card.values["KP"] * card.values["W"] / card.values["L"]
    assert beta == pytest.approx(1.5e-3, rel=1e-3)
    # In strong inversion g = beta (VG - VTO) at VDS = 0, less the surface's share.
    assert 0.9 * beta * 0.8 < slope < beta * 0.8


def test_reverse_bulk_bias_raises_the_threshold(transistor):
    model, card = transistor
    kernel = model.to_numba(frozen=True, values=card.values)
    currents = kernel.evaluate(np.array([[1.0, 0.6, 0, 0], [1.0, 0.6, 0, -1.0]]), [ROOM])[:, 0]
    assert currents[1] < 0.5 * currents[0]


@pytest.mark.parametrize(
    ("microsiemens", "gap"),
    [(25, 1.295), (50, 1.122), (75, 1.020), (100, 0.948), (150, 0.847), (225, 0.746)],
)
def test_the_gap_of_a_conductance_is_the_published_model_s(device, microsiemens, gap):
    assert device.parameter_for(microsiemens * 1e-6) * 1e9 == pytest.approx(gap, abs=6e-4)


def test_the_inversion_returns_the_conductance_for_a_whole_tile(device):
    wanted = np.random.default_rng(1).uniform(5e-6, 225e-6, (64, 32))
    got = device.conductance(device.parameter_for(wanted))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_the_slope_of_the_current_is_its_derivative(device):
    gap = 1.1e-9
    current, slope = device.current(VOLTAGES, gap)
    high, _ = device.current(VOLTAGES + 1e-6, gap)
    low, _ = device.current(VOLTAGES - 1e-6, gap)
    np.testing.assert_allclose(slope, (high - low) / 2e-6, rtol=1e-7)
    assert np.all(np.sign(current) == np.sign(VOLTAGES))


def test_a_positive_pulse_sets_and_a_negative_pulse_resets_in_ngspice(device, transient):
    lines = [
        device.model.to_ngspice(values=fixed(device)),
        "v1 te 0 pwl(0 0 10n 0 11n 1.8 60n 1.8 61n 0 100n 0 101n -1.5 180n -1.5 181n 0 200n 0)",
        "x1 te 0 rram_gap gap_init=1.5e-9",
    ]
    times = [5e-9, 80e-9, 195e-9]
    (gap,) = transient(lines, ["v(x1.gap)"], times, "0.2n", "200n")
    assert gap[0] == pytest.approx(1.5, abs=1e-3)
    assert gap[1] < 0.6
    assert gap[2] > gap[1] + 0.3
    assert 0.15 < gap.min() < gap.max() < 1.75
