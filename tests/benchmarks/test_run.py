"""The registry of benchmarks, from the command line as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]
CASE = '''"""A case for the test."""


def run(quick):
    return {
        "figures": {"seconds": 0.5 if quick else 1.0},
        "references": [{"name": "other", "version": None, "missing": "not installed"}],
        "ratios": {},
    }
'''


@pytest.fixture
def registry(tmp_path):
    """A folder with the real registry and one case of its own."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("__init__.py", "run.py"):
        (folder / name).write_text((ROOT / "benchmarks" / name).read_text("utf-8"), "utf-8")
    (folder / "tiny.py").write_text(CASE, "utf-8")
    return tmp_path


def bench(folder, *arguments):
    command = [sys.executable, "-m", "benchmarks.run", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_case_is_found_by_its_file_and_prints_one_row(registry):
    done = bench(registry)

    row = json.loads(done.stdout)
    assert done.returncode == 0
    assert row["case"] == "tiny"
    assert row["figures"] == {"seconds": 1.0}
    assert row["machine"]["cores"] >= 1
    assert row["when"].endswith("+00:00")


def test_quick_reaches_the_case(registry):
    assert json.loads(bench(registry, "tiny", "--quick").stdout)["figures"] == {"seconds": 0.5}


def test_missing_reference_stays_in_the_row(registry):
    row = json.loads(bench(registry, "tiny").stdout)

    assert row["references"][0]["missing"] == "not installed"


def test_unknown_case_is_one_clear_message_and_exit_code_two(registry):
    done = bench(registry, "tiny", "nonsense")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "bench: unknown case `nonsense`; registered cases: tiny\n"


def test_case_that_returns_something_else_is_refused(registry):
    (registry / "benchmarks" / "tiny.py").write_text(CASE.replace('"ratios": {},', ""), "utf-8")
    done = bench(registry, "tiny")

    assert done.returncode == 1
    assert "case `tiny`: `ratios` is not a dict" in done.stderr


def test_registered_cases_can_be_listed():
    done = bench(ROOT, "--list")

    assert done.returncode == 0
    assert "run" not in done.stdout.split()
