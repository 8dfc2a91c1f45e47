"""Markup of drawings: elements with escaped text and short numbers, and nothing more.

Colours are never written here: shapes carry class names, and the page's style sheet gives them a
colour for light and for dark surroundings.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape


Attribute = str | float | int | None
LARGEST = 1.2


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def element(tag: str, *children: str, **attributes: Attribute) -> Markup:
    """One element; `class_` and `text_anchor` become `class` and `text-anchor`.

    A plain string among the children is text and is escaped; `Markup` stands as it is. Attributes
    that are `None` are left out.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    if not inside:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{inside}</{tag}>")


def _attribute(value: str | float) -> str:
    return str(escape(value)) if isinstance(value, str) else number(value)


def group(children: Iterable[str], **attributes: Attribute) -> Markup:
    """A `<g>` around `children`."""
    return element("g", *children, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rectangle(
    x: float, y: float, width: float, height: float, class_: str, tip: str = ""
) -> Markup:
    """A rectangle; `tip` is what a pointer over it reads."""
    title = (element("title", tip),) if tip else ()
    return element("rect", *title, x=x, y=y, width=width, height=height, class_=class_)


def label(x: float, y: float, text: str, class_: str = "tick", anchor: str = "middle") -> Markup:
    """Text; `anchor` is `start`, `middle` or `end`."""
    return element("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def path(points: Iterable[tuple[float, float]], class_: str, closed: bool = False) -> Markup:
    """A line through points."""
    steps = " ".join(
        f"{'L' if index else 'M'}{number(x)} {number(y)}" for index, (x, y) in enumerate(points)
    )
    return element("path", d=steps + ("Z" if closed else ""), class_=class_)


def drawing(
    width: float,
    height: float,
    description: str,
    children: Iterable[str],
    stretched: bool = False,
) -> Markup:
    """The `<svg>` of a whole drawing, scaled to the width that it gets, read out as one image.

    It never grows to more than `LARGEST` times its own size, so that text stays text.

    A `stretched` drawing keeps its height when its width changes; it must hold no text.
    """
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_label=description,
        preserveAspectRatio="none" if stretched else None,
        style=None if stretched else f"max-width:{number(LARGEST * width)}px",
    )
