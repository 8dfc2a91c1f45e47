"""The rules of the house that a linter cannot express, checked over every source of the project."""

import ast
import re
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("compact_models", "netlists", "cosim")
FOLDERS = (*PACKAGES, "tests", "examples", "benchmarks", "docs", "scripts", ".ci")
MAX_FILE_LINES = 500
LONG_FILE_LINES, LONG_FILES = 450, 3
MAX_FUNCTION_LINES = 50
MAX_EXAMPLE_LINES = 60

PACKAGE_FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PYTHON_FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".va",
    ".vams",
    ".cir",
    ".lark",
    ".css",
    ".js",
    ".jinja",
    ".txt",
} | {".yml", ".yaml", ".json", ".csv", ""}
TEXT_FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts
) + sorted(path for path in ROOT.glob("*.*") if path.suffix in {".md", ".toml", ".txt"})

# Where a reader may be sent: sources that stay, and nothing that a machine would download from.
SOURCES = {
    "arxiv.org",
    "doi.org",
    "github.com",
    "keepachangelog.com",
    "ngspice.sourceforge.io",
    "semver.org",
    "www.gnu.org",
    "www.w3.org",
}
ADDRESS = re.compile(r"https?://([A-Za-z0-9.-]+)")
# Put together here, so that this file does not contain what it forbids.
OWN_FOLDERS = re.compile("|".join(rf"/{name}/\w" for name in ("work", "home", "root", "Users")))
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")


def _id(path):
    return path.relative_to(ROOT).as_posix()


def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _body_lines(function):
    """Lines of a function without its docstring."""
    docstring = ast.get_docstring(function, clean=False)
    documented = docstring.count("\n") + 1 if docstring else 0
    return function.end_lineno - function.lineno + 1 - documented


@pytest.mark.parametrize("path", PYTHON_FILES, ids=_id)
def test_module_explains_itself_before_its_code(path):
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no module docstring"


@pytest.mark.parametrize("path", PYTHON_FILES, ids=_id)
def test_file_fits_in_one_reading(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_FILE_LINES, f"{lines} lines; split by concept"


def test_few_files_are_long():
    long = [
        _id(path)
        for path in PYTHON_FILES
        if path.read_text(encoding="utf-8").count("\n") > LONG_FILE_LINES
    ]
    assert len(long) <= LONG_FILES, long


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=_id)
def test_functions_fit_on_one_screen(path):
    long = {
        node.name: _body_lines(node)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef) and _body_lines(node) > MAX_FUNCTION_LINES
    }
    assert not long


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=_id)
def test_own_objects_are_not_asked_what_they_are(path):
    names = {node.id for node in ast.walk(_tree(path)) if isinstance(node, ast.Name)}
    assert "hasattr" not in names


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=_id)
def test_failures_come_from_the_one_exception_tree(path):
    bare = [
        node.lineno
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id in {"Exception", "RuntimeError", "AssertionError"}
    ]
    assert not bare, "raise a CosimError of the kind that fits"


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=_id)
def test_package_does_not_import_its_own_root(path):
    package = path.relative_to(ROOT).parts[0]
    own = [
        name.name
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == package
        for name in node.names
        if name.name != "__version__" and not (ROOT / package / f"{name.name}.py").is_file()
    ]
    assert not own or path.name == "__init__.py", "import from the module that defines the name"


@pytest.mark.parametrize("path", EXAMPLES, ids=_id)
def test_example_is_short_and_uses_public_names_only(path):
    deep = [
        node.module
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] in PACKAGES
        and (node.module or "").count(".") > 1
    ]
    assert path.read_text(encoding="utf-8").count("\n") <= MAX_EXAMPLE_LINES
    assert not deep, "examples import `cosim.<subpackage>`, nothing deeper"


def test_every_number_of_a_tile_specification_states_its_unit():
    numeric = ("float", "Positive", "NotNegative")
    missing = []
    for cls in ast.walk(_tree(ROOT / "netlists" / "specs.py")):
        if not isinstance(cls, ast.ClassDef):
            continue
        documentation = ast.get_docstring(cls) or ""
        for field in cls.body:
            if isinstance(field, ast.AnnAssign) and any(
                word in ast.unparse(field.annotation) for word in numeric
            ):
                entry = rf"^\s*{field.target.id}: [^\n]*(?:\n\s{{4,}}[^\n]*)*?\[[^\]]+\]"
                if not re.search(entry, documentation, re.MULTILINE):
                    missing.append(f"{cls.name}.{field.target.id}")
    assert not missing, "a unit in brackets belongs into the attribute's line"


@pytest.mark.parametrize("path", TEXT_FILES, ids=_id)
def test_text_names_no_machine_and_nothing_unfinished(path):
    text = path.read_text(encoding="utf-8")
    hosts = set(ADDRESS.findall(text)) - SOURCES
    assert not hosts, "an address that is not a lasting source"
    assert not OWN_FOLDERS.search(text), "a path that exists on one machine only"
    assert not UNFINISHED.search(text), "unfinished"


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_of_the_tests_mirror_the_package(package):
    strays = [
        _id(folder)
        for folder in (ROOT / "tests" / package).rglob("*")
        if folder.is_dir()
        and any(folder.glob("test_*.py"))
        and not (ROOT / folder.relative_to(ROOT / "tests")).is_dir()
    ]
    assert not strays


def test_no_test_folder_is_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py")), "it would shadow the package it mirrors"
