"""What a run claims, what it measured, and whether the claims hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.loop.rounds import Round
from cosim.loop.stages import Record
from cosim.loop.study import StudySpec


@dataclass(frozen=True)
class Claim:
    """One statement that a run has to bear out.

    Attributes:
        text: the statement.
        measured: the figure, formatted.
        needed: the limit, formatted.
        holds: whether it does.
    """

    text: str
    measured: str
    needed: str
    holds: bool


@dataclass(frozen=True)
class Outcome:
    """The end of a run.

    Attributes:
        study: what was run.
        records: the stages by name.
        numbers: how many rounds there were.
    """

    study: StudySpec
    records: dict[str, Record]
    numbers: int = 1

    @property
    def rounds(self) -> tuple[Round, ...]:
        """All rounds."""
        return tuple(Round(n + 1, self.study, self.records) for n in range(self.numbers))

    @property
    def last(self) -> Round:
        """The round that the run ended with."""
        return self.rounds[-1]

    def accuracies(self, training: str, engine: str) -> np.ndarray:
        """Accuracy of every chip in the last round, on the replayed images."""
        return self.last.accuracies(training, engine)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Everything that the study accepts or refuses."""
        networks = self.study.training.networks
        claims = [self._surrogate_claim(), *map(self._gap_claim, networks)]
        if self.study.loop.rounds > 1:
            claims.append(self._agreement())
        if len(networks) > 1:
            claims.append(self._gain_claim())
        return tuple(claims)

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def table(self) -> str:
        """Rounds, accuracies and claims as lines of text."""
        engines = ("ideal", "surrogate", "ngspice")
        lines = [f"{'training':<20}{'ideal':>10}{'surrogate':>12}{'ngspice':>10}"]
        for training in self.study.training.networks:
            means = [100 * self.accuracies(training, engine).mean() for engine in engines]
            lines.append("{:<20}{:>8.2f} %{:>10.2f} %{:>8.2f} %".format(training, *means))
        if self.last.has("solve"):
            count = self.last.of("solve")[self.study.training.networks[0]]["images"]
            on = f"on {count:,} images"
            lines += ["", f"{on:<20}{'ideal':>10}{'surrogate':>12}{'solver':>10}"]
            for training in self.study.training.networks:
                means = [
                    100 * self.last.on_all(training, engine).mean()
                    for engine in ("ideal", "surrogate", "solver")
                ]
                lines.append("{:<20}{:>8.2f} %{:>10.2f} %{:>8.2f} %".format(training, *means))
        lines.append("")
        if self.study.loop.rounds > 1:
            lines += [f"round {one.number}: {one.verdict}" for one in self.rounds]
            lines.append("")
        for claim in self.claims:
            mark = "holds" if claim.holds else "FAILS"
            lines.append(f"{mark}  {claim.text}: {claim.measured} ({claim.needed})")
        return "\n".join(lines)

    def _surrogate_claim(self) -> Claim:
        nrmse = self.last.of("fit")["certificate"]["accuracy"]["nrmse"]
        limit = self.study.surrogate.max_nrmse
        return Claim(
            "surrogate error on conductances and inputs it has not seen",
            f"{100 * nrmse:.4f} % NRMSE",
            f"at most {100 * limit:g} %",
            nrmse <= limit,
        )

    def _gap_claim(self, training: str) -> Claim:
        predicted = self.accuracies(training, "surrogate").mean()
        measured = self.accuracies(training, "ngspice").mean()
        limit = self.study.evaluation.max_accuracy_gap
        return Claim(
            f"predicted against circuit accuracy, {training}",
            f"{100 * predicted:.2f} % against {100 * measured:.2f} %",
            f"at most {100 * limit:g} points apart",
            bool(abs(predicted - measured) <= limit),
        )

    def _agreement(self) -> Claim:
        count = self.numbers
        after = f"after {count} round{'' if count == 1 else 's'}"
        ended = "they agree" if self.last.agrees else "rounds used up"
        return Claim(
            "prediction, solver and ngspice agree, and reads are as the certificate says",
            f"{ended} {after}",
            f"within {100 * self.study.loop.margin:g} points after at most "
            f"{self.study.loop.rounds} rounds",
            self.last.agrees,
        )

    def _gain_claim(self) -> Claim:
        gain = self.accuracies("variability-aware", "ngspice") - self.accuracies("plain", "ngspice")
        better = int((gain > 0).sum())
        return Claim(
            "variability-aware training beats plain training in ngspice on the same chips",
            f"{100 * gain.mean():+.2f} points on average, ahead on {better} of {len(gain)} chips",
            "more than 0 points",
            bool(gain.mean() > 0),
        )
