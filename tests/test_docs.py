"""The documentation is true: its code runs, its files are valid, its commands and links exist."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from cosim.characterize import SamplingPlan
from cosim.cli.main import COMMANDS, cli
from cosim.loop.study import StudySpec
from netlists.specs import TileSpec


ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
PICTURE = re.compile(r'src(?:set)?="([^"]+)"')


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


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_code_of_the_documentation_runs(page, text, tmp_path):
    script = tmp_path / "block.py"
    script.write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


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
