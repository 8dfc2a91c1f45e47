"""Design questions: which specification keeps the accuracy at least energy, and what it hinges on.

`question` says what is varied, `energy` what an inference costs, `sweep` runs the points,
`answer` compares them, `gradients` asks the circuit's equations what matters, `page` draws.
"""

from cosim.design.answer import Answer, answer
from cosim.design.energy import EnergyLaw, Metered
from cosim.design.gradients import Sensitivity, sensitivities
from cosim.design.page import design_page
from cosim.design.question import Point, Question, load_question
from cosim.design.sweep import Measured, Sweep


__all__ = [
    "Answer",
    "EnergyLaw",
    "Measured",
    "Metered",
    "Point",
    "Question",
    "Sensitivity",
    "Sweep",
    "answer",
    "design_page",
    "load_question",
    "sensitivities",
]
