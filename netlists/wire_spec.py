"""The specification of a crossbar's wires: resistance and capacitance of one cell pitch."""

from __future__ import annotations

from pydantic import model_validator

from compact_models import load_card
from compact_models.errors import CardError
from netlists.fields import Name, NotNegative, Positive, Spec


# Cell pitch in wire widths, where a card is named without one: a 1T1R cell of 4 x 12 widths.
INPUT_LINE_WIDTHS = 4.0
OUTPUT_LINE_WIDTHS = 12.0
MODEL = "wire"


class WireSpec(Spec):
    """The wires of the crossbar.

    Either the numbers are given, or a card of a wire with the pitch of a cell in wire widths, which
    gives all four; numbers that are given as well win.

    Attributes:
        card: card of the wire.
        input_line_widths: cell pitch along an input line, in wire widths.
        output_line_widths: cell pitch along an output line, in wire widths.
        input_line_resistance: resistance of one cell pitch of an input line [ohm].
        output_line_resistance: resistance of one cell pitch of an output line [ohm].
        input_line_capacitance: of one cell pitch of an input line to ground [F]; it takes no part
            in a direct-current read.
        output_line_capacitance: of one cell pitch of an output line to ground [F].
    """

    card: Name | None = None
    input_line_widths: Positive = INPUT_LINE_WIDTHS
    output_line_widths: Positive = OUTPUT_LINE_WIDTHS
    input_line_resistance: Positive
    output_line_resistance: Positive
    input_line_capacitance: NotNegative = 0.0
    output_line_capacitance: NotNegative = 0.0

    @model_validator(mode="before")
    @classmethod
    def _numbers_of_the_card(cls, data: object) -> object:
        if not isinstance(data, dict) or not isinstance(data.get("card"), str):
            return data
        try:
            card = load_card(data["card"])
        except CardError as error:
            raise ValueError(str(error)) from None
        if card.model != MODEL:
            raise ValueError(f"the card {card.name} describes a {card.model}; name one of a wire")
        numbers = {}
        for line, widths in (("input", INPUT_LINE_WIDTHS), ("output", OUTPUT_LINE_WIDTHS)):
            pitch = data.get(f"{line}_line_widths", widths)
            if not isinstance(pitch, int | float):
                return data
            length = card.number("width") * pitch
            numbers[f"{line}_line_resistance"] = card.number("r") * length
            numbers[f"{line}_line_capacitance"] = card.number("c") * length
        return numbers | data

    def numbers(self) -> dict[str, float]:
        """Resistances, and the capacitances that are not zero."""
        fields = ("input_line", "output_line")
        numbers = {f"{line}_resistance": getattr(self, f"{line}_resistance") for line in fields}
        farads = {f"{line}_capacitance": getattr(self, f"{line}_capacitance") for line in fields}
        return numbers | {name: farad for name, farad in farads.items() if farad}
