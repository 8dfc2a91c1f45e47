"""The same source as an OSDI library, for simulators that load those, by the `openvaf` compiler.

This target does not go through our equations: `openvaf` reads the source itself. It does not keep
variables from one time step to the next, so a model with a hidden state compiles and then stands
still; such sources are refused here.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from compact_models.errors import InputError, VerilogAError
from compact_models.veriloga.compile import compile_source


def osdi_command(binary: str, source: Path, output: Path) -> list[str]:
    """The command line that compiles a source to a library, `openvaf SOURCE -o LIBRARY`."""
    return [binary, str(source), "-o", str(output)]


def to_osdi(source: Path, output: Path, *, compiler: str = "openvaf") -> Path:
    """Compile a source to an OSDI library.

    Args:
        source: the Verilog-A file.
        output: where to write the library.
        compiler: name or path of the `openvaf` binary.

    Returns:
        The path of the library.

    Raises:
        InputError: the compiler is not installed.
        VerilogAError: the source cannot be compiled, or keeps its state in variables; or no
            library was written.
    """
    binary = shutil.which(compiler)
    if binary is None:
        raise InputError(
            f"the compiler {compiler!r} is not on PATH; OSDI libraries need the openvaf binary; "
            "install it, or use the ngspice subcircuit, which needs nothing"
        )
    model = compile_source(source)
    hidden = [s.symbol.name for s in model.system.states if s.origin.startswith("stepped by")]
    if hidden:
        raise VerilogAError(
            f"{source.name}: {', '.join(hidden)} is kept in a variable and stepped by hand; an "
            "OSDI model does not keep variables between time steps; write it with idt(), or use "
            "the ngspice subcircuit"
        )
    done = subprocess.run(
        osdi_command(binary, source, output), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise VerilogAError(
            f"{source.name}: openvaf refused it (exit code {done.returncode}); it said: "
            f"{done.stderr[-2000:] or done.stdout[-2000:]}; correct the source"
        )
    if not output.is_file():
        raise VerilogAError(
            f"{source.name}: {binary} ended well but wrote no {output.name}; a library is what it "
            "is asked for; check that it is the openvaf compiler"
        )
    return output
