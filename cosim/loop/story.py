"""The report of a run: what its folder holds, told as one page."""

from __future__ import annotations

import time
from pathlib import Path

from cosim.loop.started import Started
from cosim.loop.story_accuracy import accuracy_section
from cosim.loop.story_circuit import circuit_section
from cosim.loop.story_rounds import rounds_section
from cosim.loop.story_surrogate import surrogate_section
from cosim.loop.story_training import programming_section, training_section
from cosim.loop.told import Told
from cosim.report import build_report
from cosim.report.model import Failure, Figure, KeyFigure, RunReport, Section, TimeBar


def write_report(folder: str | Path) -> Path:
    """Write `report.html` into a run's folder from the records that its stages left.

    Raises:
        MissingFileError: no such run.
        DatasetError: the run is unfinished or damaged.
    """
    folder = Path(folder)
    started = Started.read(folder)
    told = Told(folder, started, started.ended(folder))
    path = folder / "report.html"
    partial = path.with_suffix(".partial")
    partial.write_text(build_report(report_of(told)), encoding="utf-8")
    return partial.replace(path)


def report_of(told: Told) -> RunReport:
    """The whole page as data."""
    outcome, networks = told.outcome, told.networks
    operations = sum(outcome.last.of(f"replay-{t}")["operations"] for t in networks)
    verdict = "every claim holds" if outcome.holds else "not every claim holds"
    found = " against ".join(
        f"{100 * outcome.accuracies(t, 'ngspice').mean():.1f} % after {t} training"
        for t in reversed(networks)
    )
    sections = (
        accuracy_section(told),
        rounds_section(told),
        surrogate_section(told),
        circuit_section(told),
        programming_section(told),
        training_section(told),
        _time(told),
    )
    return RunReport(
        title=f"Study {told.study.name}",
        summary=f"Evaluated in ngspice, {operations:,} tile operations: {found}; {verdict}.",
        question=(
            "Does the accuracy that a fitted surrogate predicts hold in the circuit itself, "
            "and does training on that surrogate pay there?"
        ),
        ok=outcome.holds,
        key_figures=(*_key_figures(told), *_round_figures(told)),
        sections=tuple(section for section in sections if section is not None),
        command=told.started.command,
        made=time.strftime("%Y-%m-%d %H:%M"),
        failures=_failures(told),
        provenance=_provenance(told),
    )


def _key_figures(told: Told) -> tuple[KeyFigure, ...]:
    """Accuracies, the gain, the gap, and the surrogate's error."""
    outcome, networks = told.outcome, told.networks
    claims = {claim.text: claim for claim in outcome.claims}
    spice = {t: outcome.accuracies(t, "ngspice") for t in networks}
    gaps = [abs(outcome.accuracies(t, "surrogate").mean() - spice[t].mean()) for t in networks]
    figures = [
        KeyFigure(
            f"{t.capitalize().replace('-', ' ')}, in ngspice",
            float(spice[t].mean()),
            "%",
            "mean over chips, same images",
        )
        for t in reversed(networks)
    ]
    if len(networks) > 1:
        gain = spice["variability-aware"] - spice["plain"]
        figures.append(
            KeyFigure(
                "Gain in ngspice",
                f"{100 * gain.mean():+.1f}",
                "points",
                f"ahead on {int((gain > 0).sum())} of {len(gain)} chips",
                outcome.claims[-1].holds,
            )
        )
    gap_claims = [c for text, c in claims.items() if text.startswith("predicted against")]
    first = outcome.claims[0]
    return (
        *figures,
        KeyFigure(
            "Predicted minus circuit",
            f"{100 * max(gaps):.1f}",
            "points",
            f"largest of all networks; {gap_claims[0].needed}",
            all(claim.holds for claim in gap_claims),
        ),
        KeyFigure(
            "Surrogate error",
            float(outcome.last.of("fit")["certificate"]["accuracy"]["nrmse"]),
            "%",
            f"NRMSE, unseen inputs and conductances; {first.needed}",
            first.holds,
        ),
    )


def _round_figures(told: Told) -> tuple[KeyFigure, ...]:
    """How many rounds it took, of a study that has more than one."""
    outcome, most = told.outcome, told.study.loop.rounds
    if most == 1:
        return ()
    agree = outcome.last.agrees
    said = "prediction and circuit agree" if agree else f"no agreement after {most}"
    return (KeyFigure("Rounds", f"{outcome.numbers}", "", said, agree),)


def _time(told: Told) -> Section:
    parts = tuple(
        (name.replace("-", " "), record.seconds) for name, record in told.outcome.records.items()
    )
    return Section(
        "Where the time went",
        (Figure("Time of every stage", TimeBar(parts), "Wall-clock time.", wide=True),),
    )


def _failures(told: Told) -> tuple[Failure, ...]:
    failed = told.outcome.records["samples"].results["failures"]
    failures = [
        Failure(f"samples of matrix {matrix}", status, "left out of the fit")
        for matrix, status in failed.items()
    ]
    failures += [
        Failure(claim.text, claim.measured, claim.needed)
        for claim in told.outcome.claims
        if not claim.holds
    ]
    if told.study.loop.rounds > 1:
        failures += [
            Failure(f"round {told.outcome.numbers}: {check.text}", check.measured, check.needed)
            for check in told.outcome.last.checks
            if not check.holds
        ]
    return tuple(failures)


def _provenance(told: Told) -> dict[str, dict[str, str | int | float]]:
    engine = dict(told.outcome.records["samples"].results["provenance"])
    samples_seed = engine.pop("seed")
    return {
        "Versions": {**engine, **told.started.versions},
        "Specifications": {
            "tile": told.tile.name,
            "tile hash": told.tile.content_hash(),
            "device card": told.tile.cell.device,
            "access transistor card": str(told.tile.cell.access_transistor),
            "data": told.study.network.data,
        },
        "Seeds": {"study": told.study.seed, "samples": samples_seed},
    }
