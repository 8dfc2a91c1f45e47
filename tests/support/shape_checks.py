"""The checker that looks at every annotated call while the tests run.

jaxtyping reads the shapes (`Float[ndarray, "rows cols"]`) and binds their names for the length of a
call; beartype compares each argument and result with its annotation. `./scripts/test` hands this
checker to jaxtyping's pytest option.
"""

from collections.abc import Callable

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintException


# An `int` is accepted for a `float`, as static type checkers do (PEP 484).
CONFIGURATION = BeartypeConf(is_pep484_tower=True)


def checked(function: Callable) -> Callable:
    """`function` with its arguments and result checked."""
    try:
        return beartype(conf=CONFIGURATION)(function)
    except BeartypeDecorHintException:
        # An annotation that means nothing at run time: `Self` outside a decorated class, a
        # protocol that is for static checking only.
        return function
