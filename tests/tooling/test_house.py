"""The rules of the house that no linter knows."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command

import gorkflow
from gorkflow.settings import GorkflowSettings

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gorkflow"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent.name != "migrations")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = PYPROJECT["tool"]["importlinter"]["contracts"]

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
PICKLERS = {"pickle", "dill", "cloudpickle", "marshal", "shelve"}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def modules():
    """The modules that need a layer, by their names within the package."""
    for path in SOURCES:
        name = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        name = name.removesuffix("__init__").removesuffix(".")
        if name and name not in {"stores", "dispatch"}:  # whose parts have layers of their own
            yield name


def is_within(name, package):
    return name == package or name.startswith(f"{package}.")


def layers():
    (contract,) = [each for each in CONTRACTS if each["type"] == "layers"]
    for line in contract["layers"]:
        yield {part.strip(" ()") for part in line.split("|")}


def pure():
    (contract,) = [each for each in CONTRACTS if each["name"].startswith("The pure part")]
    return {module.removeprefix("gorkflow.") for module in contract["source_modules"]}


def test_no_file_has_over_400_lines():
    lines = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}

    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_function_has_over_60_lines():
    lines = {
        f"{name_of(path)}: {node.name}": node.end_lineno - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FUNCTION} == {}


def test_every_module_has_one_layer():
    found = {
        name: [line for line in layers() if any(is_within(name, p) for p in line)]
        for name in modules()
    }

    assert {name: len(lines) for name, lines in found.items() if len(lines) != 1} == {}


def test_the_layers_below_the_models_are_pure():
    lines = list(layers())
    (models,) = [index for index, line in enumerate(lines) if "models" in line]
    below = {
        name
        for name in modules()
        for line in lines[models + 1 :]
        for p in line
        if is_within(name, p)
    }

    assert {name for name in below if not any(is_within(name, each) for each in pure())} == set()


def test_nothing_is_pickled():
    imported = {(name_of(path), name) for path in SOURCES for name in imports(path)}

    assert {(path, name) for path, name in imported if name in PICKLERS} == set()


def test_structlog_is_left_to_the_host_to_configure():
    assert [name_of(path) for path in SOURCES if "structlog.configure" in path.read_text()] == []


def test_the_version_is_the_newest_of_the_changelog():
    entries = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert next(entry for entry in entries if entry != "Unreleased") == gorkflow.__version__


def test_every_ignored_lint_rule_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text()
    block = text.partition("\nignore = [\n")[2].partition("\n]\n")[0]

    assert [line for line in block.splitlines() if not re.search(r'",\s+# \w', line)] == []


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_setting_is_in_the_readme():
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("there is no README yet")
    text = readme.read_text()
    own = {name.upper() for name in GorkflowSettings.model_fields if name != "engine"}
    engine = {name.upper() for name in gorkflow.EngineConfig.model_fields}

    assert {key for key in own | engine if f"`{key}`" not in text} == set()
