"""`cosim report`: write the HTML report of a finished run again."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from cosim.cli.files import print_json
from cosim.cli.options import FILE, json_option, silent_option, working
from cosim.loop import write_report


@click.command("report")
@click.argument("run", type=FILE)
@click.option("--open", "open_it", is_flag=True, help="Open it in a browser.")
@json_option
@silent_option
def command(run: Path, open_it: bool, as_json: bool) -> None:
    """Write RUN/report.html from the results that a finished run left.

    Example: cosim report runs/digits --open
    """
    with working("writing the report"):
        path = write_report(run)
    if as_json:
        print_json({"report": path})
    else:
        click.echo(path)
    if open_it:
        webbrowser.open(path.resolve().as_uri())
