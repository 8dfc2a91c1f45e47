"""`cosim check`: electrical rules of a deck, before a simulator runs it."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.cli.files import print_json
from cosim.cli.options import FILE, json_option, silent_option
from cosim.errors import CheckFailed, InputError, MissingFileError
from netlists.arrays import full_scale, middle_conductances
from netlists.rules import check_deck
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck


@click.command("check")
@click.argument("path", type=FILE, metavar="DECK.cir|TILE.toml")
@click.option("--open", "open_nets", multiple=True, metavar="NET", help="A net used from outside.")
@json_option
@silent_option
def command(path: Path, open_nets: tuple[str, ...], as_json: bool) -> None:
    """Check a deck, or the deck of a tile, against electrical rules.

    Finds nets without a path for direct current, dangling nets, shorted or fighting sources,
    unconnected ports, wrong bulks, and what is not defined; each with its element and line. Exit
    code 1 when there is a finding.

    Example: cosim check my_macro.cir --open in0 --open out0
    """
    if not path.is_file():
        raise MissingFileError(f"{path}: no such file; give a deck or a tile's .toml file")
    findings = check_deck(_deck(path), [net.lower() for net in open_nets])
    if as_json:
        print_json({"deck": path, "findings": [vars(finding) for finding in findings]})
    for finding in [] if as_json else findings:
        click.echo(f"{path}: {finding}")
    if findings:
        raise CheckFailed(f"{path}: {len(findings)} findings; mend them before simulating")
    if not as_json:
        click.echo(f"{path}: no findings")


def _deck(path: Path) -> str:
    if path.suffix == ".toml":
        spec = TileSpec.from_toml(path)
        full = full_scale(spec, spec.drivers.read_voltage)
        return operating_point_deck(spec, middle_conductances(spec), full)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as text ({error}); give a deck or a tile's .toml file"
        ) from None
