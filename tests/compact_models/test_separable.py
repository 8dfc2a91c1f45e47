"""Currents split by the nodes they depend on, and what a bound on voltages leaves out."""

import numpy as np
import pytest

from compact_models import compile_source
from cosim.ngspice import DcSweep, Simulation, WorkerProcess


PREAMBLE = '`include "disciplines.vams"\nmodule cell(a, b);\ninout a, b; electrical a, b;\n'
SOFTPLUS = "real u, w; analog begin u = 20*(0.6-V(a)); w = 20*(0.6-V(b)); "
CURVES = {
    "difference": SOFTPLUS + "I(a,b) <+ 1e-6*(pow(w > 40 ? w : ln(1+exp(w)), 2)"
    " - pow(u > 40 ? u : ln(1+exp(u)), 2)); end",
    "sum": "analog I(a,b) <+ 1e-5*(sinh(2*V(a)) + V(b)*V(b)*V(b));",
    "negative": "analog I(a,b) <+ -(1e-5*(exp(V(a)) - exp(V(b))));",
    "together": "analog I(a,b) <+ 1e-5*(sinh(V(a,b)) + V(b)*V(b));",
    "linear": "analog I(a,b) <+ 1e-5*(V(a) - 0.5*V(b));",
}
SOURCES = {"difference": 2, "sum": 2, "negative": 2, "together": 1, "linear": 1}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    def compiled(body):
        file = tmp_path_factory.mktemp("model") / "cell.va"
        file.write_text(f"{PREAMBLE}{body}\nendmodule\n")
        return compile_source(file)

    return compiled


@pytest.fixture(scope="module")
def worker():
    worker = WorkerProcess()
    yield worker
    worker.close()


@pytest.mark.parametrize("kind", CURVES)
@pytest.mark.parametrize("within", [float("inf"), 10.0])
def test_the_parts_add_up_to_the_current(worker, compiled, kind, within):
    model = compiled(CURVES[kind])
    text = model.to_ngspice(frozen=True, within=within)
    lines = ["t", text, "va a 0 0", "vb b 0 0.13", "x1 a b cell", ".options reltol=1e-9", ".end"]
    sweep = Simulation("\n".join(lines), DcSweep("va", -1.0, 1.0, 0.05), ("i(va)",))
    given = worker.run(sweep, 60.0).require().vectors["i(va)"]
    potentials = np.stack([np.linspace(-1.0, 1.0, 41), np.full(41, 0.13)], axis=1)
    kernel = model.to_numba(frozen=True)
    values = np.array([model.parameters[name].default for name in kernel.parameters])
    expected = kernel.evaluate(potentials, values)[:, 0]
    assert np.allclose(-given, expected, rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("kind", CURVES)
def test_parts_with_nodes_of_their_own_are_sources_of_their_own(compiled, kind):
    lines = compiled(CURVES[kind]).to_ngspice(frozen=True, within=10.0).splitlines()
    assert sum(line.startswith(("b_1", "g_1")) for line in lines) == SOURCES[kind]


def test_guards_that_a_bound_makes_needless_are_left_out(compiled):
    steep = compiled("analog I(a,b) <+ 1e-5*sinh(4*V(a,b));")
    assert "abs" in steep.to_ngspice(frozen=True)
    assert "abs" not in steep.to_ngspice(frozen=True, within=10.0)
    assert "abs" in steep.to_ngspice(frozen=True, within=100.0)
    smooth = compiled(CURVES["difference"])
    assert "?" in smooth.to_ngspice(frozen=True)
    assert "?" not in smooth.to_ngspice(frozen=True, within=10.0)
    assert "?" in smooth.to_ngspice(frozen=True, within=100.0)
