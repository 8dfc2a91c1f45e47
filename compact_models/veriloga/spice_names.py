"""Names inside a subcircuit that ngspice keeps apart and gives no meaning of its own."""

from __future__ import annotations


RESERVED = frozenset(
    {
        "e", "pi", "time", "temper", "hertz", "exp", "ln", "log", "log10", "min", "max", "pwl",
        "abs", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sgn", "floor", "ceil", "nint",
        "int", "pow", "pwr", "u", "uramp", "gnd", "m", "temp", "dtemp", "c", "i", "v", "ddt", "if",
        "limit", "asin", "acos", "atan", "asinh", "acosh", "atanh", "ternary_fcn", "boltz", "not",
        "kelvin", "echarge", "yes", "no", "true", "false", "vec", "gauss", "agauss", "unif", "or",
        "aunif", "var", "params", "x", "and", "div", "mod", "sqr", "arctan",
    }
)  # fmt: skip


class Names:
    """Names that ngspice keeps apart: it does not see case, and some names mean something to it."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def of(self, name: str, prefix: str) -> str:
        """A safe name, equal to `name` where that is possible."""
        clean = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
        candidate, count = clean, 2
        if clean.lower() in RESERVED or not clean[0].isalpha():
            candidate = f"{prefix}{clean}"
        base = candidate
        while candidate.lower() in self.taken:
            candidate, count = f"{base}_{count}", count + 1
        self.taken.add(candidate.lower())
        return candidate
