"""`cosim export`: a trained network of a run as cells and decks."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.cli.files import print_json
from cosim.cli.options import FILE, json_option, silent_option, working
from cosim.loop import export_run


@click.command("export")
@click.argument("run", type=FILE)
@click.option(
    "--training",
    type=click.Choice(["plain", "variability-aware"]),
    default="variability-aware",
    show_default=True,
    help="Which of the two networks.",
)
@click.option("--chip", type=click.IntRange(0), default=0, show_default=True, help="Its number.")
@click.option(
    "--images",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Test images whose reads the decks hold.",
)
@click.option("-o", "--output", type=FILE, required=True, help="Folder to write; must not exist.")
@json_option
@silent_option
def command(run: Path, training: str, chip: int, images: int, output: Path, as_json: bool) -> None:
    """Write which weight of RUN's network sits in which cell, and every tile as a deck.

    OUTPUT/cells.csv has a row for each cell: layer, tile, row, column, weight, target and
    programmed conductance, and the pulses that it took. OUTPUT/tiles holds a deck per tile, with
    the chip's conductances and the images' own inputs, that plain `ngspice -b` runs.

    Example: cosim export runs/digits --chip 2 --images 5 -o chip2
    """
    with working("writing cells and decks"):
        found = export_run(run, output, training, chip, images)
    if as_json:
        print_json({"folder": found.folder, "cells": found.cells, "tiles": found.tiles})
        return
    click.echo(f"{found.folder}: {found.cells} cells, {found.tiles} tiles")
