"""`cosim card`: look at parameter cards, check them against what was published, fit new ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from compact_models import Card, available_cards, load_card, load_model
from compact_models.card import read_card
from compact_models.fit_card import KINDS, fit_card
from compact_models.published import Comparison, compare, unproven
from cosim.cli.files import check_output, print_json
from cosim.cli.options import FILE, json_option, silent_option
from cosim.errors import CheckFailed
from cosim.programming.published import QUANTITIES


@click.group("card")
def command() -> None:
    """Show, check and fit parameter cards."""


@command.command("list")
@json_option
@silent_option
def list_cards(as_json: bool) -> None:
    """The cards that come with the package.

    Example: cosim card list
    """
    if as_json:
        print_json({name: load_card(name).description for name in available_cards()})
        return
    for name in available_cards():
        click.echo(f"{name:<36} {load_card(name).description}")


@command.command("show")
@click.argument("card")
@json_option
@silent_option
def show(card: str, as_json: bool) -> None:
    """Everything in CARD, a name or the path of a .toml file: numbers, spreads, sources.

    Example: cosim card show rram_gap__hfo2_milo2021
    """
    found = load_card(card)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    doi = f" doi {found.doi}" if found.doi else ""
    click.echo(
        f"{found.name}: {found.description}\nmodel {found.model}, at {found.temperature:g} K"
    )
    click.echo(f"source: {found.source}{doi}")
    if found.conductance is not None:
        r = found.conductance
        click.echo(
            f"conductance {r.low:g} to {r.high:g} S at {r.read_voltage:g} V, set by {r.parameter}"
        )
    _show_values(found)
    _show_laws(found)
    click.echo(f"{len(found.published)} published figures; see `cosim card check {found.name}`")


def _show_values(card: Card) -> None:
    descriptions = load_model(card.model).parameters
    entries = {**card.entries, **card.numbers}
    click.echo(f"\n{'number':<20}{'value':>12} {'unit':<8}{'range':<22}{'d2d':<8}{'c2c':<8}status")
    for name, entry in entries.items():
        limits = f"{entry.low:g} to {entry.high:g}"
        spreads = "".join(f"{f'{s:.2%}' if s else '':<8}" for s in (entry.d2d, entry.c2c))
        what = descriptions[name].description if name in descriptions else ""
        origin = f" ({entry.source or entry.doi})" if entry.source or entry.doi else ""
        click.echo(
            f"{name:<20}{entry.value:>12.6g} {entry.unit:<8}{limits:<22}{spreads}"
            f"{entry.status:<11}{what}{origin}"
        )


def _show_laws(card: Card) -> None:
    for name, law in card.laws.items():
        click.echo(
            f"\nlaw {name} [{law.unit or '1'}] over {law.of} {law.low:g} to {law.high:g} {law.x}: "
            f"{law.status}\n    {law.shape.kind}: {law.shape.model_dump(exclude={'kind'})}"
        )
        if law.source:
            click.echo(f"    source: {law.source} {law.doi}".rstrip())
    for name, draw in card.draws.items():
        click.echo(
            f"\ndraw {name}: {draw.kind}, {draw.location:g} and {draw.scale:g} {draw.unit}, "
            f"between {draw.low:g} and {draw.high:g}"
        )


@command.command("check")
@click.argument("cards", nargs=-1)
@json_option
@silent_option
def check(cards: tuple[str, ...], as_json: bool) -> None:
    """Recompute the published figures of CARDS (all by default) and put both next to each other.

    Exits with 1 when a figure is not reproduced.

    Example: cosim card check pcm__ibm_nandakumar2019
    """
    chosen = [load_card(name) for name in cards or tuple(available_cards())]
    compared = {}
    for card in chosen:
        compared[card.name] = compare(card, QUANTITIES)
        if not as_json:
            _show_compared(card, compared[card.name])
    if as_json:
        print_json({name: [_figure(row) for row in rows] for name, rows in compared.items()})
    failed = sum(not row.holds for rows in compared.values() for row in rows)
    if failed:
        raise CheckFailed(f"{failed} published figures are not reproduced; see above")


def _figure(row: Comparison) -> dict[str, object]:
    """One published figure for machines."""
    return {
        "figure": row.row.figure,
        "published": row.row.value,
        "ours": row.ours,
        "unit": row.row.unit,
        "difference": row.difference,
        "holds": row.holds,
    }


def _show_compared(card: Card, rows: tuple[Comparison, ...]) -> None:
    click.echo(f"{card.name}: {len(rows)} published figures")
    for row in rows:
        bound = "" if row.row.bound == "equal" else f"{row.row.bound} "
        click.echo(
            f"  {row.row.figure:<62} published {bound}{row.row.value:<9.4g} ours "
            f"{row.ours:<9.4g} {row.row.unit:<5}{row.difference:+8.2%}"
            f"{'' if row.holds else '  <- differs'}"
        )
    if missing := unproven(card):
        click.echo(f"  without a published figure: {', '.join(missing)}")


@command.command("fit")
@click.argument("data", type=FILE)
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    required=True,
    help="iv: device,voltage,current; drift: device,time,conductance; "
    "programmed: target,conductance.",
)
@click.option("-o", "--output", type=FILE, required=True, help="CARD.toml to write.")
@json_option
@silent_option
def fit(data: Path, kind: str, output: Path, as_json: bool) -> None:
    """Fit a card with its spread to the measurements in DATA.csv.

    Example: cosim card fit curves.csv --kind iv -o my_device.toml
    """
    check_output(output, (".toml",))
    text = fit_card(data, kind, output.stem)
    # Written under another name and read back first, so that only a valid card appears.
    handle, name = tempfile.mkstemp(suffix=".toml", dir=output.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        card = read_card(temporary)
        temporary.chmod(0o644)
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    if as_json:
        print_json({"card": output, **card.model_dump(mode="json")})
        return
    for entry, value in card.entries.items():
        spread = f" +- {value.d2d:.2%}" if value.d2d else ""
        click.echo(f"{entry} = {value.value:.6g} {value.unit}{spread}")
    for law in card.laws:
        click.echo(f"law {law}")
