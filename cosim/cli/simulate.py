"""`cosim simulate`: evaluate a tile on given inputs and conductances, still or over time."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cosim.cli.files import check_output, print_json, read_array, write_array
from cosim.cli.options import (
    FILE,
    engine_options,
    json_option,
    note,
    progress_bar,
    working,
)
from cosim.engine.opening import open_engine
from cosim.errors import InputError
from netlists.arrays import checked_conductances
from netlists.signal_chain import SignalChain
from netlists.specs import TileSpec


if TYPE_CHECKING:
    from cosim.engine.base import AbstractEngine
    from cosim.engine.transient import TransientReadout


@click.command("simulate")
@click.argument("tile", type=FILE)
@click.option(
    "--inputs",
    type=FILE,
    required=True,
    help="X.npy or .csv, [samples, rows], volt, or codes of a tile with [inputs].",
)
@click.option(
    "--conductances",
    type=FILE,
    required=True,
    help="G.npy or .csv, [rows, cols], siemens.",
)
@click.option(
    "--engine",
    "engine_name",
    default="ngspice",
    show_default=True,
    help="ngspice, solver, or the path of a surrogate folder.",
)
@click.option(
    "--transient",
    is_flag=True,
    help="The whole tile over time: drivers, amplifiers, converters; needs [readout]. In ngspice, "
    "or by a surrogate that was fitted to it.",
)
@click.option(
    "--figures",
    type=FILE,
    help="JSON file for the latency and the energies of a transient; default: print.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Y.npy or .csv, [samples, outputs], ampere, or codes of a tile with [readout.adc]; "
    "default: print as csv.",
)
@json_option
@engine_options
def command(
    tile: Path,
    inputs: Path,
    conductances: Path,
    engine_name: str,
    transient: bool,
    figures: Path | None,
    output: Path | None,
    as_json: bool,
    **where: Any,
) -> None:
    """Outputs of TILE.toml for every input vector.

    Any engine gives the currents of the crossbar; inputs and outputs pass the tile's coding and
    read-out as their behavioural twins describe them. With --transient the circuits themselves run,
    or a surrogate fitted to them, with the inputs read one after the other.

    Example: cosim simulate tile.toml --inputs X.npy --conductances G.npy -o Y.npy
    """
    check_output(output, (".npy", ".csv"))
    check_output(figures, (".json",))
    spec = TileSpec.from_toml(tile)
    X = read_array(inputs, "inputs [samples, rows] in volt or codes")
    G = checked_conductances(spec, read_array(conductances, "conductances [rows, cols] in siemens"))
    if transient:
        read = _transient(engine_name, spec, G, X, where)
        _tell_figures(read, figures, as_json)
        _write(output, read.outputs, spec, as_json, read.figures())
        return
    if figures is not None:
        raise InputError("--figures belongs to --transient; currents have no latency or energy")
    chain = SignalChain(spec)
    V = chain.voltages(X)
    quiet = bool(where.pop("quiet"))
    with (
        open_engine(engine_name, spec, **where) as engine,
        progress_bar(f"{engine.name}: {spec.name}", len(V) * chain.reads, quiet) as advance,
    ):
        currents = engine.mvm_many([(G, V.reshape(-1, spec.rows))], advance)[0]
        _note_domain(engine, V, G)
        outputs = engine.read_out(currents.reshape(len(V), chain.reads, spec.cols))
    _write(output, outputs, spec, as_json)


def _transient(
    engine_name: str,
    spec: TileSpec,
    G: np.ndarray,
    X: np.ndarray,
    where: dict[str, Any],
) -> TransientReadout:
    """The tile's outputs read one after the other, with latency and energies.

    Raises:
        InputError: an engine that knows no time.
    """
    where.pop("quiet")
    if engine_name == "ngspice":
        from cosim.engine.transient import run_transient
        from cosim.ngspice import Workers

        timeout = where.pop("timeout")
        with Workers(where.pop("workers"), **where) as workers, working(f"ngspice: {spec.name}"):
            return run_transient(spec, G, X, workers, timeout=timeout)
    from cosim.engine.surrogate import SurrogateEngine

    with open_engine(engine_name, spec, **where) as engine:
        if not isinstance(engine, SurrogateEngine):
            raise InputError(
                f"--transient with the engine `{engine_name}`, which knows no time; use "
                "ngspice, or the folder of a surrogate that was fitted to transients"
            )
        return engine.over_time(G, X)


def _note_domain(engine: AbstractEngine, V: np.ndarray, G: np.ndarray) -> None:
    """Say when a surrogate was asked beyond what it is meant for."""
    if engine.name == "surrogate":
        from cosim.engine.surrogate import SurrogateEngine

        if isinstance(engine, SurrogateEngine):
            report = engine.surrogate.domain.report(V.reshape(-1, V.shape[-1]), G)
            if not report.inside:
                note(f"note: {report}")


def _tell_figures(read: TransientReadout, path: Path | None, as_json: bool) -> None:
    """Latency and energies to a file, or standard error where the result does not hold them."""
    if path is not None:
        print_json(read.figures(), path)
    elif not as_json:
        note(json.dumps(read.figures(), indent=2))


def _write(
    output: Path | None,
    values: np.ndarray,
    spec: TileSpec,
    as_json: bool,
    figures: dict[str, float] | None = None,
) -> None:
    """Outputs to a file, or printed."""
    if output is not None:
        write_array(output, values)
    if as_json:
        about = {"tile": spec.name, "unit": SignalChain(spec).unit, "shape": values.shape}
        where = {"outputs": values} if output is None else {"written": output}
        print_json({**about, **where, **({"figures": figures} if figures else {})})
    if as_json or output is not None:
        return
    text = io.StringIO()
    np.savetxt(text, values, delimiter=",", fmt="%.12g")
    click.echo(text.getvalue(), nl=False)
