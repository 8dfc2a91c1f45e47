"""The documentation is true: its code runs, its files are valid, its commands and links exist."""

import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
import yaml

from cosim.characterize import SamplingPlan
from cosim.cli.main import COMMANDS, cli
from cosim.loop.study import StudySpec
from netlists.specs import TileSpec


ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
PICTURE = re.compile(r'src(?:set)?="([^"]+)"')
# Its steps build on each other, so it is run as a whole.
TUTORIAL = ROOT / "docs" / "tutorial.md"


def _id(value):
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else None


def blocks(language):
    """Page and text of every fenced block in a language, one pytest parameter each."""
    return [
        pytest.param(page, text, id=f"{_id(page)}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(FENCE.findall(page.read_text("utf-8")), start=1)
        if kind == language
    ]


def commands():
    """Every `cosim` command line of the pages."""
    return sorted(
        {
            line.partition("#")[0].strip()
            for _, text in (param.values for param in blocks("sh"))
            for line in text.replace("\\\n", " ").splitlines()
            if line.startswith("cosim ")
        }
    )


def run(command, folder):
    """Run one block of a page in a folder, with this checkout's package and `cosim`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("page", "text"), [block for block in blocks("python") if block.values[0] != TUTORIAL]
)
def test_code_of_the_documentation_runs(page, text, tmp_path):
    script = tmp_path / "block.py"
    script.write_text(text, encoding="utf-8")

    done = run([sys.executable, script], tmp_path)

    assert done.returncode == 0, done.stderr


def test_the_tutorial_runs_from_its_first_step_to_its_last(tmp_path):
    steps = FENCE.findall(TUTORIAL.read_text("utf-8"))
    assert [kind for kind, _ in steps].count("toml") == 1
    for kind, text in steps:
        if kind == "toml":
            (tmp_path / "tile.toml").write_text(text, encoding="utf-8")
        elif kind != "text":
            shell = {"sh": ["sh", "-ec", text], "python": [sys.executable, "-c", text]}
            done = run(shell[kind], tmp_path)
            assert done.returncode == 0, text + done.stdout + done.stderr


@pytest.mark.parametrize(("page", "text"), blocks("toml"))
def test_specifications_of_the_documentation_are_valid(page, text):
    data = tomllib.loads(text)

    kind = StudySpec if "tile" in data else SamplingPlan if "samples" in data else TileSpec
    assert kind.model_validate(data).model_fields_set == set(data)


@pytest.mark.parametrize("line", commands())
def test_commands_of_the_documentation_exist_with_their_options(line):
    _, name, *rest = shlex.split(line)
    assert name in COMMANDS
    command = cli.get_command(click.Context(cli), name)
    if isinstance(command, click.Group):
        command = command.commands[rest.pop(0)]
    options = {text for parameter in command.params for text in parameter.opts}

    used = {word for word in rest if word.startswith("-")}
    assert used <= options


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_of_the_documentation_lead_somewhere(page):
    text = page.read_text("utf-8")
    for target in LINK.findall(text) + PICTURE.findall(text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_every_page_of_the_documentation_is_in_its_index():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    listed = {Path(target).name for target in LINK.findall(index)}

    assert {page.name for page in PAGES} - {"index.md"} <= listed


def pages_of(entry):
    """Every page that an entry of the site's navigation holds."""
    if isinstance(entry, dict):
        return [page for inner in entry.values() for page in pages_of(inner)]
    return (
        [page for inner in entry for page in pages_of(inner)]
        if isinstance(entry, list)
        else [entry]
    )


def test_every_page_of_the_documentation_is_once_in_the_navigation_of_the_site():
    pages = pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])

    assert sorted(pages) == sorted(
        page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.name != "README.md"
    )


def test_the_page_of_results_is_that_of_the_files_it_is_made_from():
    script = ROOT / "docs" / "results_page.py"
    made = runpy.run_path(str(script))["text"]()

    assert (ROOT / "docs" / "results.md").read_text("utf-8") == made, (
        "results have changed; run `python docs/results_page.py`"
    )


class Addresses(HTMLParser):
    """What a page of the site loads, and what it links to."""

    def __init__(self):
        super().__init__()
        self.loaded, self.linked = set(), set()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        names = {"script": "src", "img": "src", "link": "href", "source": "srcset", "a": "href"}
        address = values.get(names.get(tag))
        if address:
            (self.linked if tag == "a" else self.loaded).add(address)


def test_the_site_is_built_strictly_loads_nothing_from_elsewhere_and_has_no_broken_link(tmp_path):
    site = tmp_path / "site"
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", site]
    done = run(mkdocs, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr

    # The page of errors can be asked for anywhere, so its addresses start at the root.
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    assert len(pages) > len(PAGES)
    for page in pages:
        found = Addresses()
        found.feed(page.read_text("utf-8"))
        assert not [address for address in found.loaded if "://" in address or address[:2] == "//"]
        for address in found.loaded | {link for link in found.linked if "://" not in link}:
            target = address.partition("#")[0].partition("?")[0]
            assert not target or (page.parent / target).exists(), f"{page.name}: {address}"
