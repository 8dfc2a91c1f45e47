"""What every way of running ngspice must do: same numbers, same names, same verdicts."""

from collections.abc import Iterator

import numpy as np
import pytest

from cosim.errors import SimulationFailed
from cosim.ngspice import (
    AcSweep,
    BatchRunner,
    DcSweep,
    OperatingPoint,
    Simulation,
    Transient,
    WorkerProcess,
)
from cosim.results import Code


TIMEOUT = 60.0
DIVIDER = "divider\nv1 1 0 1\nr1 1 Mid 1k\nr2 mid 0 1k\n.end\n"

# Code, circuit without title and end, analysis. The outputs are `v(1)` throughout.
FAILURES = {
    "expression with a missing parenthesis": (
        Code.SYNTAX,
        "v1 1 0 1\nb1 1 0 i=v(1)*(2",
        OperatingPoint(),
    ),
    "line that is no element": (Code.SYNTAX, "v1 1 0 1\nhello world foo", OperatingPoint()),
    "unknown function": (Code.SYNTAX, "v1 1 0 1\nb1 1 0 i=foo(v(1))", OperatingPoint()),
    "undefined parameter": (Code.SYNTAX, "v1 1 0 1\nr1 1 0 {rr}", OperatingPoint()),
    "sweep of a missing source": (Code.SYNTAX, "v1 1 0 1\nr1 1 0 1k", DcSweep("vx", 0, 1, 1)),
    "unknown model": (Code.UNKNOWN_MODEL, "v1 1 0 1\nd1 1 0 nowhere", OperatingPoint()),
    "unknown subcircuit": (Code.UNKNOWN_MODEL, "v1 1 0 1\nx1 1 0 nowhere", OperatingPoint()),
    "model of the wrong type": (
        Code.UNKNOWN_MODEL,
        "v1 1 0 1\nd1 1 0 dm\n.model dm nmos",
        OperatingPoint(),
    ),
    "missing include": (
        Code.MISSING_INCLUDE,
        ".include /nowhere/models.inc\nv1 1 0 1\nr1 1 0 1k",
        OperatingPoint(),
    ),
    "missing library": (
        Code.MISSING_INCLUDE,
        ".lib /nowhere/models.lib tt\nv1 1 0 1\nr1 1 0 1k",
        OperatingPoint(),
    ),
    "node between capacitors": (
        Code.FLOATING_NODE,
        "v1 1 0 1\nc1 1 2 1p\nc2 2 0 1p",
        OperatingPoint(),
    ),
    "loop of voltage sources": (Code.SINGULAR, "v1 1 0 1\nv2 1 0 2", OperatingPoint()),
    "jump without a solution": (
        Code.NO_CONVERGENCE,
        "v1 1 0 1\nr1 1 2 1k\nb1 2 0 i=v(2)>0.5?1:-1",
        OperatingPoint(),
    ),
    "no starting point for a transient": (
        Code.NO_CONVERGENCE,
        "v1 1 0 1\nr1 1 2 1k\nb1 2 0 i=v(2)>0.5?1:-1",
        Transient(1e-9, 2e-8),
    ),
    "jump in a transient": (
        Code.TIME_STEP,
        "v1 1 0 pulse(0 1 1n 1n 1n 10n)\nr1 1 2 1k\nc1 2 0 1e-18\nb1 2 0 i=v(2)>0.5?1:-1",
        Transient(1e-9, 2e-8, use_initial=True),
    ),
    "logarithm of a negative": (
        Code.DOMAIN,
        "v1 1 0 -1\nb1 2 0 v=ln(v(1))\nr1 2 0 1k",
        OperatingPoint(),
    ),
    "hyperbolic sine beyond doubles": (
        Code.DOMAIN,
        "v1 1 0 9000\nb1 2 0 v=sinh(v(1))\nr1 2 0 1k",
        OperatingPoint(),
    ),
    "division by zero": (Code.DOMAIN, "v2 2 0 0\nb1 1 0 v=1/v(2)\nr1 1 0 1k", OperatingPoint()),
    "output that does not exist": (Code.NO_OUTPUT, "v2 2 0 1\nr1 2 0 1k", OperatingPoint()),
}


@pytest.fixture(params=["shared", "batch"], scope="module")
def runner(request: pytest.FixtureRequest) -> Iterator["Replaced"]:
    with Replaced({"shared": WorkerProcess, "batch": BatchRunner}[request.param]) as replaced:
        yield replaced


class Replaced:
    """A runner that is replaced when it has become unfit, as the pool does."""

    def __init__(self, make):
        self._make, self._runner = make, make()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._runner.close()

    def run(self, simulation, timeout=TIMEOUT):
        if not self._runner.alive:
            self._runner = self._make()
        return self._runner.run(simulation, timeout)


def failing(name):
    _, circuit, analysis = FAILURES[name]
    deck = f"{name}\n{circuit}\n.end\n"
    return Simulation(deck, analysis, ("v(1)",), reads_files="missing" in name)


def test_an_operating_point_has_the_names_that_were_asked_for(runner):
    result = runner.run(Simulation(DIVIDER, OperatingPoint(), ("V(mid)", "v(1)", "i(V1)")))
    assert result.ok, result.status
    assert list(result.vectors) == ["V(mid)", "v(1)", "i(V1)"]
    assert result.vectors["V(mid)"] == pytest.approx([0.5], rel=1e-9)
    assert result.vectors["i(V1)"] == pytest.approx([-0.5e-3], rel=1e-9)
    assert result.axis is None


@pytest.mark.parametrize(
    ("source", "drive"), [("v1", "v1 1 0 0"), ("i1", "i1 0 1 0"), ("r1", "v1 1 0 1")]
)
def test_a_sweep_has_what_was_swept_as_its_axis(runner, source, drive):
    deck = f"swept\n{drive}\nr1 1 0 1k\n.end\n"
    result = runner.run(Simulation(deck, DcSweep(source, 1, 3, 1), ("v(1)",)))
    assert result.axis == pytest.approx([1, 2, 3])


def test_an_ac_sweep_gives_complex_vectors_over_frequency(runner):
    deck = "low pass\nv1 1 0 dc 0 ac 1\nr1 1 2 1k\nc1 2 0 1n\n.end\n"
    result = runner.run(Simulation(deck, AcSweep(10, 1e3, 1e8), ("v(2)", "i(v1)")))
    assert result.axis is not None
    assert result.axis.dtype == np.float64
    assert result.axis[[0, -1]] == pytest.approx([1e3, 1e8])
    pole = 2j * np.pi * result.axis * 1e-6
    np.testing.assert_allclose(result.vectors["v(2)"], 1 / (1 + pole), rtol=1e-9)
    np.testing.assert_allclose(result.vectors["i(v1)"], -1e-3 * pole / (1 + pole), rtol=1e-9)


def test_currents_inside_devices_can_be_asked_for(runner):
    result = runner.run(Simulation(DIVIDER, OperatingPoint(), ("@r1[i]",)))
    assert result.vectors["@r1[i]"] == pytest.approx([0.5e-3], rel=1e-9)


def test_numeric_nodes_and_nodes_inside_subcircuits_are_found(runner):
    deck = "t\n.subckt s a\nr1 a in 1k\nv9 in 0 0.5\n.ends\nv1 7 0 1\nx1 7 s\n.end\n"
    outputs = ("v(7)", "v(x1.in)", "i(v.x1.v9)")
    result = runner.run(Simulation(deck, OperatingPoint(), outputs)).require()
    assert [float(result.vectors[name][0]) for name in outputs] == pytest.approx([1, 0.5, 5e-4])


def test_input_vectors_run_as_one_sweep_over_an_index(runner):
    inputs = np.random.default_rng(1).uniform(0, 0.2, (40, 3))
    sources = [
        f"bin{row} in{row} 0 V=pwl(v(index), "
        + ", ".join(f"{k}, {value!r}" for k, value in enumerate(inputs[:, row].tolist()))
        + f")\nr{row} in{row} sum {1e4 * (row + 1)}"
        for row in range(3)
    ]
    deck = "mvm\n" + "\n".join(sources) + "\nvsense sum 0 0\nvindex index 0 0\n.end\n"
    result = runner.run(Simulation(deck, DcSweep("vindex", 0, 39, 1), ("i(vsense)",))).require()
    expected = inputs @ (1e-4 / np.arange(1, 4))
    np.testing.assert_allclose(result.vectors["i(vsense)"], expected, rtol=1e-9)
    np.testing.assert_array_equal(result.axis, np.arange(40))


def test_a_current_into_the_sense_source_is_positive(runner):
    deck = "sign\nv1 in 0 0.2\nr1 in out 1k\nvsense out 0 0\n.end\n"
    result = runner.run(Simulation(deck, OperatingPoint(), ("i(vsense)",)))
    assert result.vectors["i(vsense)"] == pytest.approx([2e-4])


def test_a_transient_follows_the_exponential(runner):
    deck = "rc\nc1 1 0 1n ic=1\nr1 1 0 1k\n.end\n"
    analysis = Transient(1e-8, 3e-6, max_step=1e-8, use_initial=True)
    result = runner.run(Simulation(deck, analysis, ("v(1)",))).require()
    np.testing.assert_allclose(result.vectors["v(1)"], np.exp(-result.axis / 1e-6), atol=2e-4)
    assert result.axis[-1] == pytest.approx(3e-6)


def test_an_operating_point_that_needs_gmin_stepping_succeeds(runner):
    # Newton comes down this exponential by 25 mV an iteration, and there are 100 iterations.
    deck = "steep\nv1 c 0 5\nr1 c a 1k\nb1 a 0 i=1n*(exp(v(a)/25m)-1)\n.end\n"
    result = runner.run(Simulation(deck, OperatingPoint(), ("v(a)",)))
    assert "gmin" in result.log
    assert result.ok, result.status


def test_a_title_with_the_word_error_is_no_error(runner):
    deck = DIVIDER.replace("divider", "error of a divider")
    assert runner.run(Simulation(deck, OperatingPoint(), ("v(mid)",))).ok


@pytest.mark.parametrize("repetition", range(3))
@pytest.mark.parametrize("name", FAILURES)
def test_each_class_of_failure_is_named_and_leaves_no_trace(runner, name, repetition):
    result = runner.run(failing(name))
    assert result.status.code is FAILURES[name][0], result.log
    assert result.status.message
    assert not result.vectors
    assert result.axis is None
    after = runner.run(Simulation(DIVIDER, OperatingPoint(), ("v(mid)",)))
    assert after.vectors["v(mid)"] == pytest.approx([0.5], rel=1e-9)


def test_a_failed_result_raises_its_status_when_numbers_are_required(runner):
    with pytest.raises(SimulationFailed, match=r"unknown model: .*nowhere.* — define the model"):
        runner.run(failing("unknown subcircuit")).require()


def test_a_simulation_that_takes_too_long_ends_with_timeout(runner):
    deck = "endless\nv1 1 0 sin(0 1 1g)\nr1 1 0 1k\n.end\n"
    result = runner.run(Simulation(deck, Transient(1e-12, 1.0), ("v(1)",)), timeout=1.0)
    assert result.status.code is Code.TIMEOUT
    assert result.seconds >= 1.0
    assert runner.run(Simulation(DIVIDER, OperatingPoint(), ("v(mid)",))).ok


def test_both_runners_agree_to_the_last_bit():
    simulation = Simulation(
        "diode\nv1 1 0 0\nr1 1 2 100\nd1 2 0 d\n.model d d(is=1e-14)\n.end\n",
        DcSweep("v1", 0, 1, 0.05),
        ("v(2)", "i(v1)"),
    )
    worker = WorkerProcess()
    shared = worker.run(simulation, TIMEOUT).require()
    worker.close()
    batch = BatchRunner().run(simulation, TIMEOUT).require()
    for name in simulation.outputs:
        np.testing.assert_array_equal(shared.vectors[name], batch.vectors[name])
    np.testing.assert_array_equal(shared.axis, batch.axis)
