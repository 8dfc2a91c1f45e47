"""The loop: characterise, fit, train, program, replay in SPICE, refit where it fails, report."""

from cosim.loop.context import Progress
from cosim.loop.export import Exported, export_run
from cosim.loop.outcome import Outcome
from cosim.loop.run import check_study, run_study
from cosim.loop.story import write_report
from cosim.loop.study import StudySpec, load_study


__all__ = [
    "Exported",
    "Outcome",
    "Progress",
    "StudySpec",
    "check_study",
    "export_run",
    "load_study",
    "run_study",
    "write_report",
]
