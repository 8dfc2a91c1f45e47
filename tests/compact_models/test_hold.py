"""A model with held ports gives the currents that it gives with those ports driven."""

import numpy as np
import pytest

from compact_models import load_card, load_model
from compact_models.errors import InputError


BAKED = {**load_card("nmos_ekv__generic_130nm").values, "temperature": 300.15}


@pytest.fixture(scope="module")
def nmos():
    return load_model("nmos_ekv")


def test_held_gate_and_bulk_leave_drain_and_source(nmos):
    held = nmos.held({"g": 1.2, "b": 0.0}, name="nmos_read")
    whole = nmos.to_numba(frozen=True, values=BAKED)
    small = held.to_numba(frozen=True, values=BAKED)
    assert small.unknowns == ("d", "s")
    assert small.parameters == ()
    x = np.random.default_rng(0).uniform(-0.3, 1.0, (200, 2))
    driven = np.column_stack([x[:, 0], np.full(200, 1.2), x[:, 1], np.zeros(200)])
    expected, measured = whole.evaluate(driven, []), small.evaluate(x, [])
    scale = np.abs(expected[:, 0]).max()
    assert np.allclose(measured[:, 0], expected[:, 0], rtol=0, atol=1e-14 * scale)
    slopes = whole.jacobians(expected)[0][:, [0, 2]][:, :, [0, 2]]
    assert np.allclose(small.jacobians(measured)[0], slopes, rtol=1e-12, atol=1e-18)


def test_the_subcircuit_has_the_new_name_and_the_ports_that_are_left(nmos):
    text = nmos.held({"g": 1.2, "b": 0.0}, name="nmos_read").to_ngspice(frozen=True, values=BAKED)
    assert text.startswith(".subckt nmos_read d s\n")
    assert "v(g" not in text


def test_charges_to_a_held_port_stay(nmos):
    held = nmos.held({"g": 1.2, "b": 0.0}, name="nmos_read")
    whole, small = nmos.to_numba(values=BAKED), held.to_numba(values=BAKED)
    at = np.array([[0.3, 0.1]])
    driven = np.array([[0.3, 1.2, 0.1, 0.0]])
    for port in ("d", "s"):
        row = len(small.residuals) + small.residuals.index(port)
        same = len(whole.residuals) + whole.residuals.index(port)
        assert small.evaluate(at, [])[0, row] == pytest.approx(whole.evaluate(driven, [])[0, same])


@pytest.mark.parametrize(
    ("potentials", "message"),
    [
        ({"gate": 1.0}, "there is no port 'gate'"),
        (dict.fromkeys(("d", "g", "s", "b"), 0.0), "all ports are held"),
    ],
)
def test_a_port_that_cannot_be_held_is_named(nmos, potentials, message):
    with pytest.raises(InputError, match=message):
        nmos.held(potentials, name="nothing")
