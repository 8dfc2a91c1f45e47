"""How to get ngspice, in the words of the system at hand."""

from __future__ import annotations

import platform
from pathlib import Path


_COMMANDS = {
    "debian": "sudo apt install ngspice libngspice0",
    "fedora": "sudo dnf install ngspice libngspice",
    "arch": "sudo pacman -S ngspice",
    "macos": "brew install ngspice libngspice",
}
_RELEASE = Path("/etc/os-release")
_FAMILY = {"ubuntu": "debian", "linuxmint": "debian", "rhel": "fedora", "manjaro": "arch"}


_BACKPORTS = {"bookworm": "sudo apt install -t bookworm-backports ngspice libngspice0"}


def _fields(release: Path) -> dict[str, str]:
    """What the system says it is."""
    if not release.exists():
        return {}
    lines = release.read_text().replace('"', "").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _system(release: Path) -> str | None:
    """The family of this operating system, if it is one we know."""
    if platform.system() == "Darwin":
        return "macos"
    fields = _fields(release)
    words = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".split()
    families = (_FAMILY.get(word, word) for word in words)
    return next((family for family in families if family in _COMMANDS), None)


def how_to_install(release: Path = _RELEASE) -> str:
    """What to type to get ngspice and its library.

    Args:
        release: the file in which the system says what it is.
    """
    system = _system(release)
    if system:
        return f"install it: `{_COMMANDS[system]}`"
    known = "; ".join(f"{name}: `{command}`" for name, command in _COMMANDS.items())
    return f"install it ({known})"


def how_to_get_klu(release: Path = _RELEASE) -> str:
    """What to do about an ngspice without the KLU solver.

    Args:
        release: the file in which the system says what it is.
    """
    command = _BACKPORTS.get(_fields(release).get("VERSION_CODENAME", ""))
    how = f": with the backports suite enabled, `{command}`" if command else ""
    return f"ngspice 42 or newer solves large tiles faster, with KLU{how}"
