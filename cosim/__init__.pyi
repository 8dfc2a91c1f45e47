"""What type checkers see of the package: its names come from `cosim.api` when they are used."""

from cosim.api import (
    answer_question as answer_question,
    characterize_tile as characterize_tile,
    convert as convert,
    fit as fit,
    load_surrogate as load_surrogate,
    load_tile as load_tile,
    program as program,
    run as run,
    simulate as simulate,
)

__version__: str
