"""The `cosim` command: finds the subcommand, and turns exceptions into messages and exit codes.

Exit codes: 0 done, 1 a check failed, 2 bad input, 3 the simulator failed, 130 interrupted.

Bad input ends in one message on standard error, `error: what was given; what is allowed; what to
do`, whether a command, click or the operating system found it.
"""

from __future__ import annotations

import importlib
import os
import sys

import click
from click.shell_completion import CompletionItem

import cosim
from cosim.errors import CosimError, InputError


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
    "design": "sweep specifications: which keeps the accuracy at least energy",
    "run": "run a whole study: characterise, fit, train, program, replay, report",
    "export": "write a trained network as cells and decks of its tiles",
    "report": "write the HTML report of a run again",
    "schema": "print the JSON schema of a specification",
    "completion": "print what completes commands and options in a shell",
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

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a word may become; commands are listed without importing them."""
        found = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cosim.__version__, prog_name="cosim")
def cli() -> None:
    """SPICE-coupled co-simulation of analog in-memory computing.

    Exit codes: 0 done, 1 a check failed, 2 bad input, 3 the simulator failed, 130 interrupted.

    Example: cosim doctor
    """


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    try:
        cli.main(args=arguments, prog_name="cosim", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        click.echo(f"error: {_advised(error)}", err=True)
        return error.exit_code
    except CosimError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:  # whoever read the output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"error: {_advised_path(error)}", err=True)
        return InputError.exit_code
    return 0


def _advised(error: click.ClickException) -> str:
    """What click found wrong, with what is allowed and where to look."""
    message = error.format_message().rstrip(".").replace("\n", " ")
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return f"{message}; see `cosim --help`"
    usage = " ".join(context.command.collect_usage_pieces(context))
    where = context.command_path
    return f"{message}; usage: {where} {usage}; see `{where} --help`"


def _advised_path(error: OSError) -> str:
    """What the operating system found wrong with a path."""
    reason = (error.strerror or type(error).__name__).lower()
    return (
        f"{error.filename}: {reason}; paths that are read must exist, and those that are written"
        " must be yours to write; correct the path"
    )


if __name__ == "__main__":
    sys.exit(main())
