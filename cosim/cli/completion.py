"""`cosim completion`: what a shell needs to complete commands, options and file names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from cosim.cli.options import silent_option
from cosim.errors import InputError


SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_COSIM_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@silent_option
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    r"""Print the script that completes `cosim` in SHELL.

    Put one of these lines into the file that your shell starts with:

    \b
    eval "$(cosim completion bash)"      ~/.bashrc
    eval "$(cosim completion zsh)"       ~/.zshrc
    cosim completion fish | source       ~/.config/fish/config.fish

    Example: cosim completion bash > ~/.cosim-complete.bash
    """
    found = get_completion_class(shell)
    if found is None:
        raise InputError(f"no completion for {shell}; there is one for {', '.join(SHELLS)}")
    root = context.find_root().command
    click.echo(found(root, {}, "cosim", VARIABLE).source())
