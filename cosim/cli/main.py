"""The `cosim` command: finds the subcommand, and turns exceptions into messages and exit codes.

Exit codes: 0 done, 1 a check failed, 2 bad input, 3 the simulator failed, 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys

import click

import cosim
from cosim.errors import CosimError


# Commands are imported when they are called: torch alone costs more than a second.
COMMANDS = {
    "doctor": "what is installed, and what to do if something is missing",
    "compile": "turn a Verilog-A model into a subcircuit or array code",
    "card": "show, check and fit parameter cards",
    "netlist": "write the deck of a tile",
    "check": "electrical rules of a deck or a tile",
    "block": "circuit blocks: list, deck, measure over corners and mismatch",
    "program": "bring the cells of a tile to conductances",
    "simulate": "evaluate a tile on inputs and conductances",
    "characterize": "sample a tile into a dataset",
    "fit": "fit a surrogate to a dataset",
    "compare": "put all kinds of surrogate side by side: error against time",
    "validate": "check a surrogate against fresh SPICE samples",
    "surrogate": "take a fitted surrogate out of the door: torch, ONNX, SPICE, Verilog-A",
    "run": "run a whole study: characterise, fit, train, program, replay, report",
    "export": "write a trained network as cells and decks of its tiles",
    "report": "write the HTML report of a run again",
    "schema": "print the JSON schema of a specification",
}


class LazyCommands(click.Group):
    """A group whose commands live in `cosim.cli.<name>` and are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of the workflow."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"cosim.cli.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cosim.__version__, prog_name="cosim")
def cli() -> None:
    """SPICE-coupled co-simulation of analog in-memory computing."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    try:
        cli.main(args=arguments, prog_name="cosim", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except CosimError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
