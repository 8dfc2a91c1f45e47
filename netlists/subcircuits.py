"""Elements of a cell that are SPICE text of their own: a PDK's transistor, anybody's device.

The text of a file becomes part of the deck as it stands. A file that names others, or a section of
a library, is left to ngspice to read, so that name only libraries you trust: they may hold more
than circuits.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from compact_models.errors import SpecError
from netlists.cell_spec import AccessSubcircuit, DeviceSubcircuit, SubcircuitSpec


DEFINED = {
    "subcircuit": re.compile(r"^[ \t]*\.subckt[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE),
    "model": re.compile(r"^[ \t]*\.model[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE),
}
NAMES_FILES = re.compile(r"^[ \t]*\.(?:include|inc|lib)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class SpiceElement:
    """SPICE text that a deck can use as an element of a cell.

    Attributes:
        name: what instances name.
        definition: the lines that a deck needs.
        settings: of each instance, ` w=2u l=0.13u`, with a space in front, or nothing.
        parameter: of a device, the one that takes the conductance [S].
        reads_files: whether the definition names files.
        digest: of the file's text.
    """

    name: str
    definition: str
    settings: str
    parameter: str
    reads_files: bool
    digest: str


def load_subcircuit(spec: SubcircuitSpec) -> SpiceElement:
    """Read the definition of an element.

    Raises:
        SpecError: the file cannot be read, or does not define the element.
    """
    path = Path(spec.file).expanduser()
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error}; give the path of a SPICE file") from None
    kind = spec.kind if isinstance(spec, AccessSubcircuit) else "subcircuit"
    reads_files = spec.section is not None or NAMES_FILES.search(text) is not None
    if not reads_files:
        known = DEFINED[kind].findall(text)
        if spec.name.lower() not in [name.lower() for name in known]:
            raise SpecError(
                f"{path}: defines no {kind} `{spec.name}`; it has "
                f"{', '.join(known[:8]) or 'none'}; correct `name` or `kind`"
            )
    definition = _reference(path, spec.section) if reads_files else text.rstrip()
    name, settings = spec.name, f" {spec.settings}" if spec.settings else ""
    if kind == "model":
        name = f"{spec.name}_cell"
        definition += f"\n.subckt {name} d g s b\nm1 d g s b {spec.name}{settings}\n.ends"
        settings = ""
    parameter = spec.parameter if isinstance(spec, DeviceSubcircuit) else ""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return SpiceElement(name, definition, settings, parameter, reads_files, digest)


def _reference(path: Path, section: str | None) -> str:
    """The line that makes ngspice read a file."""
    full = str(path.resolve())
    if '"' in full or not full.isprintable():
        raise SpecError(f"{path}: ngspice cannot read a path with quotes; rename the file")
    return f'.include "{full}"' if section is None else f'.lib "{full}" {section}'
