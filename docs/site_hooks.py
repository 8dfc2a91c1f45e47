"""What mkdocs needs to make a site of pages that are also read in the repository.

Pages link to files beside `docs/`: an example, a table of results, README. Those files become part
of the site under `repository/`: Markdown and notebooks as pages, other text as pages that show it,
the rest as it is; links are turned to them. Links between pages need nothing.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page


ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r'(?P<before>\]\(|\b(?:src|srcset|href)=")(?P<target>[^)#"\s:]+)(?=[)#"])')
# How a text file is shown; other files are copied.
LANGUAGES = {".py": "python", ".toml": "toml", ".cir": "text", ".va": "text"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file outside of `docs/` that a page links to, and what these link to."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()]
    seen: set[Path] = set()
    while waiting:
        page = waiting.pop()
        for target in sorted(_targets(page) - seen):
            seen.add(target)
            files.append(_file(target, config))
            if target.suffix == ".md":
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links of a page to where the site has what they mean in the repository."""
    here = page.file.src_uri
    shown = here.removeprefix("repository/")
    source = ROOT / _original(shown) if here != shown else DOCS / here

    def turned(match: re.Match[str]) -> str:
        target = (source.parent / match["target"]).resolve()
        if not _is_linked(target) or (here == shown and _is_in_docs(target)):
            return match[0]
        in_html = not match["before"].startswith("]")
        there = PurePosixPath(_site_path(target))
        if in_html and there.suffix == ".md":
            there = there.with_suffix(".html")
        return match["before"] + os.path.relpath(there, PurePosixPath(here).parent)

    return LINK.sub(turned, markdown)


def _targets(page: Path) -> set[Path]:
    """The files outside of `docs/` that a Markdown page links to."""
    found = (page.parent / match["target"] for match in LINK.finditer(page.read_text("utf-8")))
    resolved = {path.resolve() for path in found}
    return {path for path in resolved if _is_linked(path) and not _is_in_docs(path)}


def _is_linked(path: Path) -> bool:
    return path.is_file() and path.is_relative_to(ROOT)


def _is_in_docs(path: Path) -> bool:
    return path.is_relative_to(DOCS)


def _site_path(target: Path) -> str:
    """Where the site's source has a file of the repository."""
    if _is_in_docs(target):
        return target.relative_to(DOCS).as_posix()
    shown = ".md" if target.suffix in {*LANGUAGES, ".ipynb"} else ""
    return f"repository/{target.relative_to(ROOT).as_posix()}{shown}"


def _original(shown: str) -> str:
    """The path in the repository of what a page under `repository/` shows."""
    inner = shown.removesuffix(".md")
    return inner if PurePosixPath(inner).suffix in {*LANGUAGES, ".ipynb"} else shown


def _file(target: Path, config: MkDocsConfig) -> File:
    where = _site_path(target)
    if target.suffix == ".ipynb":
        return File.generated(config, where, content=_notebook(target))
    if target.suffix in LANGUAGES:
        name = target.relative_to(ROOT).as_posix()
        fence = f"```{LANGUAGES[target.suffix]}\n{target.read_text('utf-8')}```\n"
        return File.generated(config, where, content=f"# {name}\n\n{fence}")
    return File.generated(config, where, abs_src_path=str(target))


def _notebook(target: Path) -> str:
    """The cells of a notebook as Markdown."""
    cells = json.loads(target.read_text("utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells)
    return "\n\n".join(
        text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        for cell, text in zip(cells, texts, strict=True)
    )
