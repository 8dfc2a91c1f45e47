"""A memristor written in Verilog-A, compiled, and run in ngspice.

    python examples/02_verilog_a_in_ngspice.py

The source below is the textbook memristor of linear drift. Its state is `idt(...)`; the compiler
makes it a node of the subcircuit, and the same equations serve as a numba or a torch function.
"""

import math

from compact_models import compile_text
from cosim.ngspice import Simulation, Transient, run_many


SOURCE = """
`include "disciplines.vams"
module drift_memristor(p, n);
    inout p, n;
    electrical p, n;
    parameter real r_on = 1e3 from (0:inf);
    parameter real r_off = 100e3 from (0:inf);
    parameter real k = 1e10 from (0:inf);       // share of the width per coulomb
    parameter real w_init = 0.1 from [0:1];
    real w;
    analog begin
        w = idt(k * I(p, n), w_init);
        I(p, n) <+ V(p, n) / (r_on * w + r_off * (1 - w));
    end
endmodule
"""


def main():
    model = compile_text(SOURCE)
    print(model.equations_text())
    deck = "\n".join(["v1 a 0 pulse(0 1 0 1n 1n 4u 10u)", "x1 a 0 drift_memristor"])
    simulation = Simulation(
        deck=f"a pulse\n{model.to_ngspice()}\n{deck}\n.end\n",
        analysis=Transient(step=5e-9, stop=4e-6),
        outputs=("v(x1.w)",),
    )
    (result,) = run_many([simulation], workers=1)
    w = result.require().vectors["v(x1.w)"][-1] * model.states[0].scale

    # In closed form: r_off w - (r_off - r_on) w^2 / 2 grows by k times the flux.
    a, b, flux = 100e3, 99e3, 1.0 * 4e-6 - 0.5e-9
    start = a * 0.1 - b * 0.1**2 / 2
    exact = (a - math.sqrt(a * a - 2 * b * (start + 1e10 * flux))) / b
    print(f"state after the pulse: {w:.5f} in ngspice, {exact:.5f} by hand")


if __name__ == "__main__":
    main()
