"""`cosim compile`: turn a Verilog-A model into a subcircuit or array code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from compact_models import CompactModel, load_model
from cosim.cli.files import check_output, write_or_print
from cosim.cli.options import FILE, silent_option


# numba and torch are imported only by the targets that need them.
TARGETS: dict[str, Callable[[CompactModel, bool], str]] = {
    "ngspice": lambda model, frozen: model.to_ngspice(frozen=frozen),
    "numba": lambda model, frozen: model.to_numba(frozen=frozen).source,
    "torch": lambda model, frozen: model.to_torch(frozen=frozen).source,
    "equations": lambda model, frozen: model.equations_text(),
}


@click.command("compile")
@click.argument("model")
@click.option(
    "--to",
    "target",
    type=click.Choice(list(TARGETS)),
    default="ngspice",
    show_default=True,
    help="A subcircuit, Python source for numba or torch, or the equations for people to read.",
)
@click.option(
    "--frozen",
    is_flag=True,
    help="Hold every state at its initial value: the algebraic form for DC reads.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="File to write; default: print.",
)
@silent_option
def command(model: str, target: str, frozen: bool, output: Path | None) -> None:
    """Compile MODEL, a .va file or the name of a shipped model.

    What was recognised (states, hidden state, lagged algebra) is told by `--to equations`.

    Example: cosim compile my_cell.va --to ngspice -o my_cell.lib
    """
    check_output(output, ())
    text = TARGETS[target](load_model(model), frozen)
    write_or_print(output, text)
