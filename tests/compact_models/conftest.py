"""The independent tools that compiled models are held against: ngspice and the OpenVAF front end.

Both are required: a missing simulator fails, it does not skip.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


TIGHT = ".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-18 itl1=500 temp=27"
ORACLE = """
import json, sys
import verilogae
request = json.load(sys.stdin)
model = verilogae.load(request["path"])
result = {}
for name, function in model.functions.items():
    arguments = {k: v for k, v in request["parameters"].items() if k in function.parameters}
    values = []
    for point in request["points"]:
        voltages = {}
        for branch in function.voltages:
            ends = request["branches"][branch]
            voltages[branch] = point[ends[0]] - (point[ends[1]] if ends[1] else 0.0)
        currents = {branch: point["I(" + branch + ")"] for branch in function.currents}
        values.append(float(function.eval(temperature=request["temperature"], voltages=voltages,
                                          currents=currents, **arguments)))
    result[name] = values
json.dump(result, open(request["out"], "w"))
"""


def run_ngspice(deck: str, folder: Path) -> dict[str, np.ndarray]:
    """Run a deck that prints vectors with `wrdata`-free `print` of scalars or columns."""
    path = folder / "deck.cir"
    path.write_text(deck)
    done = subprocess.run(
        ["ngspice", "-b", str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    values = {}
    for line in done.stdout.splitlines():
        name, equals, value = line.partition(" = ")
        if equals:
            try:
                values[name.strip()] = float(value)
            except ValueError:
                continue
    assert values, f"ngspice gave nothing:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return values


@pytest.fixture
def operating_points(tmp_path):
    """Currents into the ports of a subcircuit at many operating points, from `ngspice -b`."""

    def run(subcircuit, name, ports, points, instance="", options=TIGHT):
        lines = ["operating points", subcircuit]
        for i, point in enumerate(points):
            nodes = [f"n{i}_{k}" for k in range(len(ports))]
            for k, voltage in enumerate(point):
                lines.append(f"v{i}_{k} {nodes[k]} 0 {float(voltage)!r}")
            lines.append(f"x{i} {' '.join(nodes)} {name} {instance}")
        lines += [options, ".control", "set num_threads=1", "set numdgt=15", "op"]
        lines += [f"print v{i}_{k}#branch" for i in range(len(points)) for k in range(len(ports))]
        lines += ["quit 0", ".endc", ".end"]
        values = run_ngspice("\n".join(lines), tmp_path)
        return np.array(
            [[-values[f"v{i}_{k}#branch"] for k in range(len(ports))] for i in range(len(points))]
        )

    return run


@pytest.fixture
def transient(tmp_path):
    """Values of outputs at given times of a transient, from `ngspice -b`."""

    def run(lines, outputs, times, step, stop, options=""):
        deck = ["transient", *lines, f".options reltol=1e-5 method=gear {options}", ".control"]
        deck += ["set num_threads=1", "set numdgt=12", f"tran {step} {stop} 0 {step}"]
        for k, output in enumerate(outputs):
            for i, time in enumerate(times):
                deck.append(f"meas tran m{k}_{i} find {output} at={time!r}")
        deck += ["quit 0", ".endc", ".end"]
        path = tmp_path / "transient.cir"
        path.write_text("\n".join(deck))
        done = subprocess.run(
            ["ngspice", "-b", str(path)], capture_output=True, text=True, timeout=120, check=False
        )
        found = {}
        for line in done.stdout.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.strip().startswith("m"):
                found[name.strip()] = float(value.split()[0])
        wanted = [[f"m{k}_{i}" for i in range(len(times))] for k in range(len(outputs))]
        assert all(n in found for row in wanted for n in row), done.stdout[-2000:] + done.stderr
        return np.array([[found[n] for n in row] for row in wanted])

    return run


@pytest.fixture
def openvaf(tmp_path):
    """Values of the `(* retrieve *)` variables of a source, from the OpenVAF front end.

    It runs in a process of its own with a time limit: it can hang or abort on sources.
    """
    import json

    def run(path, points, branches, parameters=None, temperature=300.15):
        out = tmp_path / "oracle.json"
        request = {
            "path": str(path),
            "points": points,
            "branches": branches,
            "parameters": parameters or {},
            "temperature": temperature,
            "out": str(out),
        }
        done = subprocess.run(
            [sys.executable, "-c", ORACLE],
            input=json.dumps(request), capture_output=True, text=True, timeout=60, check=False,
            cwd=tmp_path,
        )  # fmt: skip
        assert out.exists(), done.stdout[-3000:] + done.stderr[-3000:]
        return json.loads(out.read_text())

    return run
