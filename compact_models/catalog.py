"""Find models and cards by name, among those that come with the package, or by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from compact_models.card import Card, read_card
from compact_models.errors import CardError, InputError
from compact_models.veriloga.compile import compile_source
from compact_models.veriloga.model import CompactModel


ROOT = Path(__file__).parent


def available_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.stem for path in (ROOT / "va").glob("*.va"))


def available_cards() -> list[str]:
    """Names of the cards that come with the package."""
    return sorted(path.stem for path in (ROOT / "cards").glob("*.toml"))


def load_model(name: str | Path) -> CompactModel:
    """Compile a model; the result is kept for the rest of the process.

    Args:
        name: name of a model of the package, or the path of a .va file.

    Raises:
        InputError: there is no such model.
        VerilogAError: the source cannot be compiled.
    """
    path = _find(name, "va", ".va")
    if path is None:
        raise InputError(
            f"there is no model {str(name)!r}; available are {', '.join(available_models())}; "
            "use one of these names or the path of a .va file"
        )
    return _compiled(path, path.stat().st_mtime_ns)


def load_card(name: str | Path) -> Card:
    """Read a card.

    Args:
        name: name of a card of the package, or the path of a .toml file.

    Returns:
        The card; a model that is a path is an absolute one.

    Raises:
        CardError: there is no such card, or it is not valid.
    """
    path = _find(name, "cards", ".toml")
    if path is None:
        raise CardError(
            f"there is no card {str(name)!r}; available are {', '.join(available_cards())}; "
            "use one of these names or the path of a .toml file"
        )
    card = read_card(path)
    if not card.model.endswith(".va"):
        return card
    # As in a tile's file, a relative path starts at the file that it stands in.
    return card.model_copy(update={"model": str((path.parent / card.model).resolve())})


def _find(name: str | Path, folder: str, suffix: str) -> Path | None:
    own = ROOT / folder / f"{name}{suffix}"
    if own.is_file() and own.parent == ROOT / folder:
        return own
    path = Path(name)
    return path.resolve() if path.suffix == suffix and path.is_file() else None


@cache
def _compiled(path: Path, changed: int) -> CompactModel:
    """`changed` is the time of the last change, so that an edited file is compiled anew."""
    return compile_source(path)
