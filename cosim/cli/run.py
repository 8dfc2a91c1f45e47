"""`cosim run`: the whole loop, from a Verilog-A cell to a network's accuracy in SPICE."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.cli.files import check_folder, print_json
from cosim.cli.options import FILE, json_option, progress_bar, worker_options
from cosim.errors import CheckFailed
from cosim.loop import Outcome, Progress, check_study, load_study, run_study
from cosim.ngspice import Workers


@click.command("run")
@click.argument("study", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="RUN folder; a run that was interrupted there goes on.",
)
@click.option(
    "--data",
    type=FILE,
    help="FOLDER with MNIST/raw or cifar-10-batches-bin, for studies on MNIST or CIFAR-10.",
)
@json_option
@worker_options
def command(
    study: Path,
    output: Path,
    data: Path | None,
    as_json: bool,
    workers: int | None,
    scheduler: str | None,
    runner: str,
    quiet: bool,
) -> None:
    """Run STUDY.toml: characterise, fit, train, program, replay in ngspice, report.

    Where prediction and circuit disagree, the loop samples there, refits and retrains, for as many
    rounds as the study allows. A run that was killed goes on when it is started again; one whose
    study has changed does again what depends on the change.

    Ends with RUN/report.html. Exits with 1 when a claim of the study does not hold.

    Example: cosim run examples/digits.toml -o runs/digits
    """
    check_folder(output, "run.json")
    spec, tile = load_study(study)
    check_study(spec, tile, data)

    def announce(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    progress = Progress(announce, lambda title, total: progress_bar(title, total, quiet))
    with Workers(workers, scheduler=scheduler, runner=runner) as pool:
        outcome = run_study(
            spec, tile, output, pool, progress, _repeated(study, output, data), data
        )
    if as_json:
        print_json(_data(outcome, output))
    else:
        click.echo(outcome.table())
        click.echo(f"report: {output / 'report.html'}")
    if not outcome.holds:
        raise CheckFailed("a claim of the study does not hold; see the table above and the report")


def _data(outcome: Outcome, output: Path) -> dict[str, object]:
    """The outcome for machines; accuracies are means over the chips of the last round."""
    engines = ("ideal", "surrogate", "ngspice")
    return {
        "holds": outcome.holds,
        "claims": [vars(claim) for claim in outcome.claims],
        "accuracy": {
            training: {name: outcome.accuracies(training, name).mean() for name in engines}
            for training in outcome.study.training.networks
        },
        "rounds": outcome.numbers,
        "report": output / "report.html",
    }


def _repeated(study: Path, output: Path, data: Path | None) -> str:
    """The command that does the same again."""
    return f"cosim run {study} -o {output}{'' if data is None else f' --data {data}'}"
