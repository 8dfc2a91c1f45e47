"""What the Verilog-A compiler costs: time to compile, and the speed of what it writes.

* A model of 300 lines, made up of the constructs that models use, is compiled to equations.
* The RRAM cell as a compiled subcircuit is run in ngspice against one tuned by hand, with the
  same equations and helper nodes chosen by a person: CPU time per Newton iteration of a transient.
* The same two in an array in which one row is written.

Load times come from ngspice's own accounting, which counts CPU time; the two cells take turns, and
a ratio is the median of the ratios of neighbours. A shared machine still blurs it by half. Where
valgrind is installed, instructions are counted too, which are the same in every run: of a Newton
iteration, and of the array's write in several sizes.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from compact_models import compile_text, load_card, load_model


CARD = "rram_gap__stanford_jiang2016"
CELLS = 100
# The model's equations as a person would write them for ngspice: one helper node for each quantity
# that is used more than once, in units of order one, and no bound that is never reached.
#   g gap used [nm], ir current [uA], t 1/kT [1/eV], a enhanced voltage [V], r hop rate [nm/ns]
HAND_TUNED = """
.subckt rram_gap te be params: gap_init=1e-9
.param x0={gap_init/1e-9}
b_g 0 g i=min(max((time>0 ? v(gap) : {x0}),0.2),1.7)
r_g g 0 1
b_i 0 ir i=1000*exp(-4*v(g))*sinh(min(max(4*v(te,be),-100),100))
r_i ir 0 1
b_t 0 t i=11604.519/min({temper+273.15}+2.1e-3*abs(v(te,be)*v(ir)),1500)
r_t t 0 1
b_e 0 en i=max(16-0.8*v(g)*v(g)*v(g),0)
r_e en 0 1
b_a 0 a i=v(te,be)*(v(te,be)>0 ? v(en)*min(max(2.97619048*v(en)*v(te,be)-49.5,0),1) : 16)
r_a a 0 1
b_r 0 r i=5*(exp(min(v(t)*(0.0208333333*v(a)-0.6),0))-exp(min(v(t)*(-0.0208333333*v(a)-0.6),0)))
r_r r 0 1
g_1 te be ir 0 1e-6
b_x gap 0 i=time>0 ? v(r)*min(max(v(te,be)>0 ? 20*v(gap)-4 : 34-20*v(gap),0),1) : v(gap)-{x0}
c_x gap 0 1e-9
.ic v(gap)={x0}
.ends
"""


def run(quick: bool) -> dict[str, Any]:
    """Measure the case.

    Args:
        quick: fewer repetitions and a smaller array.
    """
    repeats, size = (2, 4) if quick else (5, 16)
    counted = (4,) if quick else (8, 12, 16, 20)
    cells = (_compiled_cell(), HAND_TUNED)
    turns = [([_cell_cost(c) for c in cells], [_array_cost(c, size) for c in cells])
             for _ in range(repeats)]  # fmt: skip
    per_iteration, per_write = (np.array(times) for times in zip(*turns, strict=True))
    ratios = {
        "newton_vs_hand_tuned": float(np.median(per_iteration[:, 0] / per_iteration[:, 1])),
        "array_write_vs_hand_tuned": float(np.median(per_write[:, 0] / per_write[:, 1])),
    }
    references: list[dict[str, Any]] = [
        {
            "name": "hand-tuned subcircuit in ngspice",
            "version": _ngspice_version(),
            "us_per_iteration": 1e6 * float(np.median(per_iteration[:, 1])),
            "array_write_s": float(np.median(per_write[:, 1])),
        }
    ]
    if shutil.which("valgrind"):
        own, other = (_instructions_per_iteration(cell) for cell in cells)
        ratios["instructions_of_newton_vs_hand_tuned"] = own / other
        for n in counted:
            own, other = (_instructions(_array_write(cell, n)) for cell in cells)
            ratios[f"instructions_of_array_write_{n}_vs_hand_tuned"] = own / other
    else:
        missing = "not installed; instructions are not counted"
        references.append({"name": "valgrind", "version": None, "missing": missing})
    return {
        "case": "veriloga_compile",
        "figures": {
            "compile_s_300_lines": _compile_seconds(repeats),
            "us_per_iteration": 1e6 * float(np.median(per_iteration[:, 0])),
            "array_write_s": float(np.median(per_write[:, 0])),
            "array_size": size,
        },
        "references": references,
        "ratios": ratios,
    }


def _compiled_cell() -> str:
    model, card = load_model("rram_gap"), load_card(CARD)
    values = {n: p.default for n, p in model.parameters.items() if n != "temperature"}
    baked = {**values, **card.values}
    del baked["gap_init"]
    return model.to_ngspice(values=baked)


def source_of_300_lines() -> str:
    """A model of 300 lines: functions, conditions, parameters, charges."""
    head = [
        '`include "constants.vams"', '`include "disciplines.vams"', "module long_model(p, n);",
        "    inout p, n;", "    electrical p, n;", "    real t, q;",
        "    analog function real soft;", "        input x, w;", "        real x, w;",
        "        soft = 0.5 * (x + sqrt(x * x + w * w));", "    endfunction",
    ]  # fmt: skip
    parameters = [f"    parameter real a{i} = {1 + i / 7:.4f} from (0:inf);" for i in range(60)]
    body: list[str] = []
    for i in range(44):
        body += [
            f"        if (V(p, n) > {0.01 * i:.2f})",
            f"            t = t + a{i} * tanh(V(p, n) * a{(i + 7) % 60}) / (1.0 + t * t);",
            "        else",
            f"            t = soft(t - a{(i + 3) % 60} * V(p, n), 0.1) + exp(-abs(t));",
            f"        q = q + 1e-15 * ln(1.0 + t * t * a{i});",
        ]
    tail = ["        I(p, n) <+ 1e-6 * t + ddt(q);", "    end", "endmodule"]
    start = ["    analog begin", "        t = V(p, n);", "        q = 0.0;"]
    lines = [*head, *parameters, *start, *body, *tail]
    return "\n".join([*lines[:-1], *["    // "] * (300 - len(lines)), lines[-1]]) + "\n"


def _compile_seconds(repeats: int) -> float:
    """Median time from text to equations; the parser's tables are built once before."""
    text = source_of_300_lines()
    times = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        compile_text(text)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:])


def _ngspice(lines: list[str], *before: str) -> subprocess.CompletedProcess[str]:
    """Run a deck in `ngspice -b`, under another program when one is named."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deck.cir"
        path.write_text("\n".join(["cost", *lines]))
        command = [*before, "ngspice", "-b", str(path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)


def _instructions(lines: list[str]) -> int:
    """Instructions that ngspice executes for a deck."""
    options = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = _ngspice(lines, "valgrind", *options)
    return int(re.findall(r"I\s+refs:\s+([\d,]+)", done.stderr)[-1].replace(",", ""))


def _accounted(log: str, name: str) -> float:
    match = re.search(rf"{name} = ([-+\d.e]+)", log, re.IGNORECASE)
    if match is None:
        raise RuntimeError(f"ngspice did not report {name!r}; it said: {log[-500:]}")
    return float(match.group(1))


CONTROL = [".control", "set num_threads=1", "{command}", "rusage all", "quit 0", ".endc", ".end"]


def _cell_cost(subcircuit: str) -> float:
    """CPU seconds of loading per cell and Newton iteration."""
    log = _ngspice(_pulses(subcircuit)).stdout
    return _accounted(log, "Matrix load time") / _accounted(log, "Total iterations") / CELLS


def _instructions_per_iteration(subcircuit: str) -> float:
    """Instructions of a Newton iteration, without those that set the circuit up."""
    decks = [_pulses(subcircuit, stop) for stop in ("0.5n", "100n")]
    setup, whole = (_instructions(deck) for deck in decks)
    first, last = (_accounted(_ngspice(deck).stdout, "Total iterations") for deck in decks)
    return (whole - setup) / (last - first)


def _pulses(subcircuit: str, stop: str = "100n") -> list[str]:
    """A SET and a RESET of separate cells."""
    pulse = "pwl(0 0 5n 0 6n 1.6 40n 1.6 41n 0 60n 0 61n -1.4 90n -1.4 91n 0)"
    lines = [subcircuit, f"v1 te 0 {pulse}", ".options method=gear reltol=1e-4"]
    lines += [f"x{i} te 0 rram_gap gap_init={1.0 + 0.005 * i}e-9" for i in range(CELLS)]
    return lines + [text.format(command=f"tran 0.5n {stop} 0 0.5n") for text in CONTROL]


def _array_cost(subcircuit: str, size: int) -> float:
    """CPU seconds of one write of an array."""
    log = _ngspice(_array_write(subcircuit, size)).stdout
    return _accounted(log, r"Total analysis time \(seconds\)")


def _array_write(subcircuit: str, size: int) -> list[str]:
    """A 100 ns SET of the first row of an array."""
    lines = [subcircuit, ".options method=gear reltol=1e-4"]
    for row in range(size):
        level = "1.8" if row == 0 else "0"
        lines.append(f"v{row} w{row} 0 pwl(0 0 5n 0 6n {level} 100n {level})")
        lines.append(f"rw{row} w{row} r{row}_0 10")
        for col in range(size):
            if col:
                lines.append(f"rr{row}_{col} r{row}_{col - 1} r{row}_{col} 1")
            if row:
                lines.append(f"rc{row}_{col} c{row - 1}_{col} c{row}_{col} 1")
            lines.append(f"x{row}_{col} r{row}_{col} c{row}_{col} rram_gap gap_init=1.4e-9")
    lines += [f"rs{col} c{size - 1}_{col} 0 10" for col in range(size)]
    return lines + [text.format(command="tran 1n 100n 0 1n") for text in CONTROL]


def _ngspice_version() -> str:
    done = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"ngspice-(\S+)", done.stdout)
    return match.group(1) if match else "unknown"
