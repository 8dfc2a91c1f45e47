"""Many simulations: every one gives exactly one result, whatever dies meanwhile."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import pytest

from cosim.errors import InputError, SimulatorError, SimulatorMissing
from cosim.ngspice import OperatingPoint, Simulation, Transient, Workers, iter_many, run_many
from cosim.results import Code


ENDLESS = Simulation(
    "endless\nv1 1 0 sin(0 1 1g)\nr1 1 0 1k\n.end\n", Transient(1e-12, 1.0), ("v(1)",)
)
BROKEN = Simulation("broken\nv1 1 0 1\nx1 1 0 nowhere\n.end\n", OperatingPoint(), ("v(1)",))


def divider(ohm: float) -> Simulation:
    deck = f"divider\nv1 1 0 1\nr1 1 2 1k\nr2 2 0 {ohm}\n.end\n"
    return Simulation(deck, OperatingPoint(), ("v(2)",))


def assert_same(results, expected):
    assert len(results) == len(expected)
    for result, reference in zip(results, expected, strict=True):
        assert result.ok, result.status
        for name, values in reference.vectors.items():
            np.testing.assert_array_equal(result.vectors[name], values)


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as workers:
        yield workers


@pytest.fixture(scope="module")
def undisturbed(workers, make_ladder):
    """The results of 100 ladders when nothing goes wrong."""
    return workers.run_many(make_ladder(seed) for seed in range(100))


def test_results_come_back_in_the_order_of_the_simulations(workers):
    ohms = [500.0 * (k + 1) for k in range(20)]
    results = workers.run_many(divider(ohm) for ohm in ohms)
    voltages = [float(result.vectors["v(2)"][0]) for result in results]
    assert voltages == pytest.approx([ohm / (1e3 + ohm) for ohm in ohms])


def test_every_result_is_announced_once_as_it_completes(workers):
    seen = []
    results = workers.run_many(
        [divider(1e3)] * 10, on_result=lambda index, result: seen.append((index, result.ok))
    )
    assert sorted(seen) == [(index, True) for index in range(10)]
    assert len(results) == 10


def test_simulations_are_read_from_their_iterator_as_results_come_in(workers):
    produced = []

    def simulations():
        for k in range(60):
            produced.append(k)
            yield divider(1e3)

    stream = workers.iter_many(simulations())
    next(stream)
    assert len(produced) < 30
    assert len(list(stream)) == 59


def test_a_failing_simulation_stops_no_other(workers):
    results = workers.run_many([divider(1e3), BROKEN, divider(1e3)])
    assert [result.status.code for result in results] == [Code.OK, Code.UNKNOWN_MODEL, Code.OK]


def test_a_hung_simulation_times_out_alone(workers):
    results = workers.run_many([divider(1e3), ENDLESS, *[divider(1e3)] * 10], timeout=1.5)
    assert results[1].status.code is Code.TIMEOUT
    assert "1.5 s" in results[1].status.message
    assert all(result.ok for index, result in enumerate(results) if index != 1)


def test_both_runners_give_the_same_results(undisturbed, make_ladder):
    results = run_many((make_ladder(seed) for seed in range(5)), workers=2, runner="batch")
    assert_same(results, undisturbed[:5])


def test_the_streaming_form_gives_each_index_once(undisturbed, make_ladder):
    stream = iter_many((make_ladder(seed) for seed in range(5)), workers=1)
    results = dict(stream)
    assert_same([results[index] for index in range(5)], undisturbed[:5])


def test_ten_killed_processes_cost_no_sample_and_change_none(
    workers, undisturbed, make_ladder, find_simulators
):
    killed = []
    finished = threading.Event()

    def kill():
        draw = np.random.default_rng(3)
        while len(killed) < 10 and not finished.wait(0.3):
            victims = sorted(find_simulators())
            if victims:
                os.kill(int(draw.choice(victims)), signal.SIGKILL)
                killed.append(time.monotonic())

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        rounds = []
        while len(killed) < 10:
            rounds.append(workers.run_many(make_ladder(seed) for seed in range(100)))
    finally:
        finished.set()
        killer.join()
    for results in rounds:
        assert_same(results, undisturbed)


def test_a_simulation_whose_process_dies_every_time_is_a_crash(find_simulators, seconds_used):
    finished = threading.Event()
    own = set()

    def kill():
        while not finished.wait(0.2):
            for pid in find_simulators() - own:
                if seconds_used(pid) > 2.0:  # it has started, and simulates
                    os.kill(pid, signal.SIGKILL)

    own |= find_simulators()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        result, other = run_many([ENDLESS, divider(1e3)], workers=1)
    finally:
        finished.set()
        killer.join()
    assert result.status.code is Code.CRASH
    assert "SIGKILL (3 times)" in result.status.message
    assert other.ok


def test_giving_up_a_stream_stops_what_runs_for_it(workers, find_simulators):
    stream = workers.iter_many([divider(1e3), ENDLESS, ENDLESS])
    next(stream)
    begin = time.monotonic()
    stream.close()
    assert workers.run_many([divider(1e3)] * 4)[3].ok
    assert time.monotonic() - begin < 60  # the endless ones would run for hours


def test_nothing_is_left_behind(find_simulators, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = find_simulators()
    with Workers(2) as workers:
        workers.run_many([divider(1e3)] * 4)
        assert find_simulators() - before
        assert list(tmp_path.iterdir())
    assert find_simulators() <= before
    assert not list(tmp_path.iterdir())


def test_ctrl_c_stops_all_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import signal\n"
        "from cosim.ngspice import Simulation, Transient, run_many\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it\n"
        "deck = 'endless\\nv1 1 0 sin(0 1 1g)\\nr1 1 0 1k\\n.end\\n'\n"
        "print('ready', flush=True)\n"
        "run_many([Simulation(deck, Transient(1e-12, 1.0), ('v(1)',))] * 6, workers=2)\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    process.stdout.readline()
    time.sleep(4)
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, words = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode == -signal.SIGINT or "KeyboardInterrupt" in words
    assert words.strip().splitlines()[-1] == "KeyboardInterrupt"
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_full_or_missing_disk_fails_the_sample_and_not_the_run(tmp_path, monkeypatch):
    with Workers(1, runner="batch") as workers:
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
            (failed,) = workers.run_many([divider(1e3)])
        (fine,) = workers.run_many([divider(1e3)])
    assert failed.status.code is Code.OTHER
    assert "No such file or directory" in failed.status.message
    assert fine.ok


def test_the_number_of_workers_and_the_runner_are_checked():
    with pytest.raises(InputError, match="0 workers cannot simulate; give at least 1"):
        Workers(0)
    with pytest.raises(InputError, match=r"no runner `spectre`; choose one of \['batch', 'shared'"):
        Workers(1, runner="spectre")


def test_a_missing_library_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "/nowhere/libngspice.so.0")
    with pytest.raises(SimulatorMissing, match=r"/nowhere/libngspice\.so\.0.*install it"):
        run_many([divider(1e3)], workers=1)


def test_a_missing_program_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("NGSPICE_EXECUTABLE", "/nowhere/ngspice")
    with pytest.raises(SimulatorMissing, match=r"`/nowhere/ngspice` was not found; install it"):
        run_many([divider(1e3)], workers=1, runner="batch")


def test_an_address_without_a_scheduler_is_named():
    with pytest.raises(SimulatorError, match=r"no Dask scheduler answers at `tcp://127.0.0.1:9`"):
        Workers(scheduler="tcp://127.0.0.1:9")
