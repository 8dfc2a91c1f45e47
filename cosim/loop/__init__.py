"""The loop: characterise, fit, train, program, replay in SPICE, report."""

from cosim.loop.context import Progress
from cosim.loop.outcome import Outcome
from cosim.loop.run import run_study
from cosim.loop.story import write_report
from cosim.loop.study import StudySpec, load_study


__all__ = ["Outcome", "Progress", "StudySpec", "load_study", "run_study", "write_report"]
