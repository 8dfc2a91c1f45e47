"""The exceptions of the device level, and the root of the one tree that the whole project raises.

    CosimError
     └── InputError        something the user gave is wrong          (exit code 2)
          ├── SpecError        a field of a TOML specification
          ├── CardError        a parameter card, or a value outside its range
          ├── ShapeError       an array of the wrong shape, or with values that are not numbers
          └── VerilogAError    a Verilog-A source; carries one diagnostic per fault

`cosim.errors` continues the tree upwards with the simulator's failures. Every message has three
parts: what was given, what is allowed, what to do.
"""

from __future__ import annotations


class CosimError(Exception):
    """Everything this project raises on purpose."""

    exit_code = 1


class InputError(CosimError):
    """Something that the user gave is wrong: a value, a file, an option."""

    exit_code = 2


class SpecError(InputError):
    """A field of a TOML specification is missing, unknown or out of range."""


class CardError(InputError):
    """A parameter card is malformed, or a value lies outside its range."""


class ShapeError(InputError):
    """An array has the wrong shape, or holds values that are not finite numbers."""


class VerilogAError(InputError):
    """A Verilog-A source cannot be compiled; the message shows file, line, column and a caret."""
