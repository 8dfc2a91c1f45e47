"""`cosim design`: which specification keeps the accuracy at least energy."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.cli.files import check_folder, print_json
from cosim.cli.options import FILE, json_option, progress_bar, quiet_option, working
from cosim.design import Answer, Sensitivity, Sweep, answer, design_page, load_question
from cosim.design.gradients import sensitivities


# Images that the gradient of the loss is taken on, and that gains are calibrated on there; fewer of
# networks whose images are many reads each.
IMAGES, TYPICAL, FEWEST = 64, 32, 4
READS = 20_000


@click.command("design")
@click.argument("question", type=FILE)
@click.option("--data", type=FILE, help="Folder of MNIST or CIFAR-10; digits need none.")
@click.option(
    "--gradients",
    is_flag=True,
    help="Also what the loss hinges on at the answer: its slope in each circuit parameter.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    help="Threads of the solver; by default one per core.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="Folder for points.csv, design.json and design.html; an interrupted sweep goes on there.",
)
@json_option
@quiet_option
def command(
    question: Path,
    data: Path | None,
    gradients: bool,
    workers: int | None,
    output: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Sweep the specifications of QUESTION.toml and say which point is good and cheapest.

    Every point is a tile: the same trained network is put onto it, programmed into the same chips,
    and its test images go through the circuit's equations, or the closed form. The energy of an
    inference is what drivers, lines, amplifiers and converters take for all of its reads.

    Example: cosim design examples/design_mac.toml -o runs/mac

    Example: cosim design question.toml --gradients --json -o runs/wires
    """
    check_folder(output, "points.csv")
    asked, points = load_question(question)
    images = asked.load(data)
    sweep = Sweep(asked, points, images, output, workers)
    title = f"{asked.engine}: {asked.name}"
    with progress_bar(title, len(points) * asked.chips, quiet) as advance:
        found = answer(asked, sweep.run(advance))
    slopes = []
    if gradients:
        with working("gradients of the loss"):
            slopes = _slopes(sweep, found)
    written = {**found.as_json(), "gradients": [vars(one) for one in slopes]}
    print_json(written, output / "design.json")
    words = f"cosim design {question} -o {output}" + " --gradients" * gradients
    (output / "design.html").write_text(design_page(found, slopes, words), encoding="utf-8")
    if as_json:
        print_json(written)
        return
    click.echo(found.table())
    for one in slopes:
        click.echo(f"d loss / d ln {one.parameter:<30} {one.slope:+.4g}")
    click.echo(found.words())
    if not quiet:
        click.echo(f"page: {output / 'design.html'}")


def _slopes(sweep: Sweep, found: Answer) -> list[Sensitivity]:
    """Slopes of the loss at the answer, on its first chip."""
    tile, images = found.chosen.point.tile, sweep.images
    affordable = max(FEWEST, int(READS / found.chosen.reads))
    count, typical = min(IMAGES, affordable), min(TYPICAL, affordable)
    network = sweep.network(sweep.digital(), tile)
    return sensitivities(
        network,
        tile,
        sweep.chip(network, tile, 0),
        images.test_images[:count],
        images.test_labels[:count],
        images.train_images[:typical],
        sweep.threads,
    )
