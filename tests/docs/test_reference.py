"""The tables, lists and names of the documents are those of the code."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import pytest
from django.urls import get_resolver
from pydantic_core import PydanticUndefined

import gorkflow
from gorkflow import checks, errors, log, tasks
from gorkflow.api.filters import ListedRunFilterSet
from gorkflow.api.problems import HTTP_STATUS
from gorkflow.api.throttles import RATES
from gorkflow.config import EngineConfig, ExecutionConfig, StartOptions
from gorkflow.definition.context import StepContext
from gorkflow.definition.step import StepOptions
from gorkflow.engine import Engine
from gorkflow.errors import ErrorCode, GorkflowError
from gorkflow.faults import FaultPoint
from gorkflow.models import WorkflowRun
from gorkflow.settings import GorkflowSettings
from gorkflow.stores.base import WorkflowStore
from tests.docs.documents import DOCUMENTS, README, ROOT, code, section, spans, table

API = (ROOT / "docs" / "api.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def defaults(model):
    """Return the defaults of a model's fields."""
    found = {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
    }
    assert PydanticUndefined not in found.values()
    return found


def tabled_defaults(title, **options):
    return {code(row[0]): ast.literal_eval(code(row[1])) for row in table(title, **options)}


def test_the_settings_table_has_every_key_with_its_default():
    known = {**defaults(GorkflowSettings), **defaults(EngineConfig)}
    del known["engine"]

    assert tabled_defaults("Settings") == {name.upper(): value for name, value in known.items()}


def test_the_config_table_has_every_field_with_its_default():
    assert tabled_defaults("Building workflows") == defaults(ExecutionConfig)


def test_the_start_options_table_has_every_option_with_its_default():
    assert tabled_defaults("Running workflows") == defaults(StartOptions)


def test_the_guarantees_name_the_times_and_counts_of_the_defaults():
    engine, told = EngineConfig(), section("Guarantees")

    assert f"every {engine.sweep_interval:g} s in each worker" in told
    assert f"ready for {engine.resend_after:g} s" in told
    assert f"lease ({engine.lease:g} s, renewed every {engine.heartbeat:g} s)" in told
    assert engine.max_crashes == 3
    assert "After three lost workers" in told


def test_the_log_events_are_those_that_are_written():
    events = {each for name, each in vars(log).items() if name.isupper() and isinstance(each, str)}
    listed = re.findall(r"^- (.*?)(?=^- |\n\n)", section("Logs and signals"), re.M | re.S)

    assert set(spans("\n".join(listed))) - {"retry"} == events


def test_the_arrows_are_the_fault_points():
    arrows = table("What holds at each arrow", (ROOT / "docs" / "recovery.md").read_text())

    assert [code(row[0]) for row in arrows] == [*FaultPoint]


def test_the_error_table_has_every_code_with_the_classes_that_carry_it():
    listed = {
        code(row[0]): set(spans(row[1]))
        for row in table("Errors", (ROOT / "docs" / "errors.md").read_text())
    }
    carried = {str(each): set() for each in ErrorCode}
    for name, each in vars(errors).items():
        if isinstance(each, type) and issubclass(each, GorkflowError) and each is not GorkflowError:
            carried[each.code].add(name)

    assert listed == carried


def test_the_system_checks_are_those_that_there_are():
    there = set(re.findall(r"gorkflow\.[EW]\d+", inspect.getsource(checks)))

    assert set(re.findall(r"gorkflow\.[EW]\d+", README)) == there


def test_the_scheduled_tasks_exist():
    names = {each.name for each in (tasks.work, tasks.sweep, tasks.prune)}

    written = {
        name
        for document in DOCUMENTS
        for name in re.findall(r'"task": "(.*?)"', document.read_text())
    }
    assert {"gorkflow.sweep", "gorkflow.prune"} <= written <= names


def test_the_store_has_as_many_methods_as_is_said():
    assert "`WorkflowStore` (fourteen methods" in README
    assert len(WorkflowStore.__abstractmethods__) == 14


def test_what_is_said_of_the_context_is_there():
    there = set(dir(StepContext)) | set(
        re.findall(r"self\.(\w+) =", inspect.getsource(StepContext.__init__))
    )
    named = {re.match(r"ctx\.(\w+)", span)[1] for span in spans(README) if span.startswith("ctx.")}

    assert named <= there


def test_our_side_of_the_go_table_names_what_there_is():
    known = {
        *gorkflow.__all__,
        *dir(gorkflow.WorkflowBuilder),
        *inspect.signature(gorkflow.WorkflowBuilder).parameters,
        *dir(gorkflow.Workflow),
        *dir(Engine),
        *StartOptions.model_fields,
        *ExecutionConfig.model_fields,
        *StepOptions.__annotations__,
        *("ctx", "when", "default", "WorkflowStore", "MemoryStore", "DjangoStore", "get_engine"),
        *("GORKFLOW", "gorkflow"),
    }
    for row in table("From the Go library"):
        for span in spans(row[1]):
            names = re.findall(r"\b([A-Za-z_]\w*)", span)
            assert names[0] in known, span
            assert set(re.findall(r"(\w+)=", span)) <= known, span


def test_the_api_paths_are_those_that_there_are():
    there = set()
    for pattern in get_resolver("gorkflow.api.urls").url_patterns:
        if pattern.name is not None:
            there.add("/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern)))

    told = [span for row in table("Resources", API) for span in spans(row[0])]

    assert sorted(told) == sorted(there)


def test_the_api_filters_throttles_and_codes_are_those_that_there_are():
    resources, access = section("Resources", API), section("Who may do what", API)
    codes = {span for row in table("Errors", API) for span in spans(row[1])}

    assert set(ListedRunFilterSet.base_filters) <= set(spans(resources))
    assert {span for span in spans(access) if span.startswith("gorkflow_")} == set(RATES)
    ours = {code.value for code in HTTP_STATUS}
    assert ours <= codes
    assert {row[0] for row in table("Errors", API) if set(spans(row[1])) & ours} == {
        str(status) for status in HTTP_STATUS.values()
    }


def test_the_permissions_are_those_of_the_model():
    meta = WorkflowRun._meta
    there = {f"{name}_workflowrun" for name in meta.default_permissions}
    there |= {codename for codename, _ in meta.permissions}
    named = {span for span in spans(README) if span.endswith("_workflowrun")} | {"view_payload"}

    assert named <= there
    assert {codename for codename, _ in meta.permissions} <= named


def test_extras_and_versions_are_those_of_the_package():
    drivers = re.search(r"The drivers are in the extras(.*?);", README, re.S)[1]
    assert set(spans(drivers)) == set(PROJECT["optional-dependencies"])

    told = section("Compatibility")
    listed = " ".join(PROJECT["classifiers"])
    for version in re.findall(r"(?:Python|Django) :: (\d\.\d+)", listed):
        assert version in told
    (celery,) = [each for each in PROJECT["dependencies"] if each.startswith("celery>=")]
    assert f"Celery {celery.removeprefix('celery>=')} or newer" in told


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    text = document.read_text()
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(document):
    named = [span for span in spans(document.read_text()) if span.startswith("demo_project/")]

    assert all(Path(ROOT, name).exists() for name in named)
