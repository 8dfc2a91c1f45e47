"""The passes of the compiler, in order.

read        file → text with macros expanded          source
parse       text → tree                               parse, tree
declare     tree → tables of what is declared         declare
check       names, types, disciplines, refused parts  check
execute     statements → expressions                  execute
assemble    expressions → f(x) + dq(x)/dt             hidden_state, assemble, equations
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compact_models.veriloga import tree
from compact_models.veriloga.assemble import Assembler
from compact_models.veriloga.check import check
from compact_models.veriloga.declare import declare
from compact_models.veriloga.diagnostics import Notes, refuse
from compact_models.veriloga.execute import Executor
from compact_models.veriloga.model import CompactModel
from compact_models.veriloga.parse import parse
from compact_models.veriloga.source import File, Source, preprocess, read_file


RECURSION_LIMIT = 100_000
"""Long sums and if-else chains are deep trees, deeper than the interpreter's default of 1000."""


def compile_text(
    text: str,
    *,
    name: str = "model.va",
    folder: Path | None = None,
    include_folders: tuple[Path, ...] = (),
    module: str | None = None,
) -> CompactModel:
    """Compile Verilog-A text.

    Args:
        text: the source.
        name: what diagnostics call it.
        folder: where included files are looked up first, the working directory if not given.
        include_folders: further places for included files.
        module: which module to compile, where there are several.

    Raises:
        SourceError: the source is not valid, or outside of the subset; with all diagnostics.
    """
    return _compile(File.of(name, text, folder or Path()), include_folders, module)


def compile_source(
    path: Path | str, *, include_folders: tuple[Path, ...] = (), module: str | None = None
) -> CompactModel:
    """Compile a Verilog-A file.

    Args:
        path: the file.
        include_folders: where included files are looked up, after the file's own folder.
        module: which module to compile, where there are several.

    Raises:
        SourceError: the source is not valid, or outside of the subset; with all diagnostics.
    """
    return _compile(read_file(Path(path)), include_folders, module)


def _compile(file: File, include_folders: tuple[Path, ...], module: str | None) -> CompactModel:
    with _deep_recursion():
        source = preprocess(file, include_folders)
        syntax = parse(source)
        notes = Notes()
        chosen = _choose(syntax, source, file, module, notes)
        table = declare(source, syntax, chosen)
        check(table)
        for repair in source.repairs:
            notes.add(repair.message, repair.place)
        executor = Executor(table, notes)
        executor.run()
        system = Assembler(table, executor, notes).run()
    return CompactModel(system, tuple(notes.items))


def _choose(
    syntax: tree.SourceFile, source: Source, file: File, name: str | None, notes: Notes
) -> tree.Module:
    """The module to compile: the named one, the one named like the file, or the first."""
    names = [m.name for m in syntax.modules]
    if not names or (name is not None and name not in names):
        refuse(
            "no-module",
            f"there is no module {name}" if name and names else "there is no module in this file",
            file.place(0),
            why=f"the file declares {', '.join(names) or 'none'}",
            instead="name one of them" if names else "write `module name(ports); ... endmodule`",
        )
    wanted = name or Path(file.name).stem
    chosen = next((m for m in syntax.modules if m.name == wanted), syntax.modules[0])
    if len(names) > 1 and name is None:
        notes.add(f"of the modules {', '.join(names)}, {chosen.name} is compiled")
    return chosen


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
