"""`cosim surrogate`: take a fitted surrogate out of the door."""

from __future__ import annotations

import re
from pathlib import Path

import click
import numpy as np
from jaxtyping import Float

from cosim.cli.files import check_output, print_json, read_array
from cosim.cli.options import FILE, json_option, note, silent_option, working
from cosim.errors import InputError
from cosim.surrogate import StoredSurrogate, load
from cosim.surrogate.export import (
    Precision,
    Written,
    block_of,
    module_text,
    subcircuit_text,
    write_onnx,
    write_program,
)
from netlists.arrays import checked_conductances
from netlists.specs import TileSpec


SUFFIXES = {"torch": ".pt2", "onnx": ".onnx", "spice": ".cir", "verilog-a": ".va"}
LOADERS = {
    "torch": 'torch.export.load("{file}").module()({arguments})',
    "onnx": 'onnxruntime.InferenceSession("{file}").run(None, {{"voltages": V}})',
    "spice": "x1 r0 ... r{last_row} c0 ... c{last_col} {name}",
    "verilog-a": "{name} x1(r0, ..., r{last_row}, c0, ..., c{last_col});",
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@click.group("surrogate")
def command() -> None:
    """Take a fitted surrogate out of the door."""


@command.command("export")
@click.argument("folder", type=FILE)
@click.option(
    "--to",
    "target",
    type=click.Choice(list(SUFFIXES)),
    required=True,
    help="torch: a .pt2 that torch alone loads; onnx: known weights only; spice: a subcircuit; "
    "verilog-a: a module.",
)
@click.option(
    "--conductances",
    type=FILE,
    help="Conductances of the cells [rows, cols] in siemens, .npy or .csv. Without them a torch "
    "program takes them as a second input.",
)
@click.option(
    "--precision",
    type=click.Choice(["single", "double"]),
    default="single",
    show_default=True,
    help="Of a program's numbers; circuits always have all digits.",
)
@click.option("--name", help="Of the subcircuit or module; by default that of the file.")
@click.option("-o", "--output", type=FILE, required=True, help="File to write.")
@json_option
@silent_option
def export(
    folder: Path,
    target: str,
    conductances: Path | None,
    precision: Precision,
    name: str | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write the surrogate in FOLDER as a file that works without this package.

    Programs are read back and compared with the surrogate on random vectors of its domain.

    Example: cosim surrogate export surrogate/ --to torch -o tile.pt2

    Example: cosim surrogate export surrogate/ --to spice --conductances G.npy -o tile.cir
    """
    check_output(output, (SUFFIXES[target],))
    stored = load(folder)
    G = _conductances(stored, conductances, target)
    name = _name(name or output.stem)
    with working(f"writing {output.name}"):
        written = _written(stored, target, output, G, precision, name)
    surrogate = stored.surrogate
    loader = LOADERS[target].format(
        file=output.name,
        name=name,
        arguments="V" if G is not None else "V, G",
        last_row=surrogate.rows - 1,
        last_col=surrogate.cols - 1,
    )
    if as_json:
        compared = (
            {} if written is None else {"vectors": written.vectors, "largest": written.largest}
        )
        print_json({"written": output, "to": target, "use": loader, **compared})
        return
    click.echo(f"{output} written" if written is None else _compared(written))
    click.echo(loader)


def _written(
    stored: StoredSurrogate,
    target: str,
    output: Path,
    G: Float[np.ndarray, "rows cols"] | None,
    precision: Precision,
    name: str,
) -> Written | None:
    """Write the file; programs say how they compare, circuits do not run here."""
    about = _about(stored)
    if target == "torch":
        return write_program(stored.surrogate, output, G, precision, about)
    if G is None:
        return None
    if target == "onnx":
        return write_onnx(stored.surrogate, output, G, precision, about)
    text = subcircuit_text if target == "spice" else module_text
    lines = [f"{key}: {value}" for key, value in about.items()]
    output.write_text(text(block_of(stored.surrogate, G), name, lines), encoding="utf-8")
    return None


def _conductances(
    stored: StoredSurrogate, path: Path | None, target: str
) -> Float[np.ndarray, "rows cols"] | None:
    """The conductances of the tile [S], checked."""
    if path is None:
        if target != "torch":
            raise InputError(
                f"--to {target} is of one tile with known weights; give its conductances with "
                "`--conductances G.npy`"
            )
        return None
    spec = TileSpec.from_dict(dict(stored.spec), origin="surrogate")
    G = checked_conductances(spec, read_array(path, "conductances"))
    domain = stored.surrogate.domain
    report = domain.report(np.full((1, spec.rows), domain.input_low), G)
    if not report.inside:
        note(f"note: {report}")
    return G


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise InputError(
            f"`{text}` cannot name a subcircuit or module; allowed are letters, digits and _ after "
            "a first letter; give another one with --name"
        )
    return text


def _about(stored: StoredSurrogate) -> dict[str, str]:
    """What a file says of where it comes from."""
    domain = stored.surrogate.domain
    about = {
        "made by": "cosim surrogate export",
        "surrogate": stored.surrogate.kind,
        "tile": f"spec {stored.spec_hash}",
        "inputs": f"{domain.input_low:g} to {domain.input_high:g} V",
        "conductances": f"{domain.conductance_low:g} to {domain.conductance_high:g} S",
    }
    if stored.certificate is not None:
        about["NRMSE"] = f"{100 * stored.certificate.accuracy.nrmse:.4f} % of the output range"
        for level, bound in stored.certificate.bounds.items():
            about[f"{100 * float(level):g} % bound"] = f"{bound:.3g} A"
    return about


def _compared(written: Written) -> str:
    if not written.vectors:
        return f"{written.path} written; not compared: onnxruntime is not installed"
    return (
        f"{written.path} written; on {written.vectors} vectors its currents are the surrogate's to "
        f"{written.largest:.1g} of the largest"
    )
