import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def schema():
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return yaml.safe_load(out.getvalue())


def test_the_document_in_the_repository_is_that_of_the_code():
    # On the demo's own SQLite file: checks ask a server, which has this suite's databases alone.
    own = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    made = subprocess.run(
        [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn"],
        cwd=ROOT,
        env={**own, "DJANGO_SETTINGS_MODULE": "demo_project.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert made.stdout == (ROOT / "docs" / "openapi.yaml").read_text(), "run make openapi"


def test_every_workflow_has_components_for_its_input_and_its_output(schema):
    components = schema["components"]["schemas"]

    assert components["WeatherReportInput"]["required"] == ["path"]
    assert components["WeatherReportOutput"]["properties"]["days"]["type"] == "integer"
    for component in ("Start", "ListedRun", "RunDetail"):
        choices = components[component]["properties"]["input"]["anyOf"]
        assert {"$ref": "#/components/schemas/WeatherReportInput"} in choices


def test_the_document_has_every_operation_under_a_stable_name(schema):
    names = {
        operation["operationId"] for path in schema["paths"].values() for operation in path.values()
    }

    assert names >= {
        "workflows_list",
        "workflows_retrieve",
        "runs_start",
        "runs_list",
        "runs_retrieve",
        "runs_steps_list",
        "runs_cancel",
        "runs_retry",
        "runs_rerun",
    }


def test_statuses_have_their_own_names_without_settings_of_the_host(schema):
    components = schema["components"]["schemas"]

    assert components["RunStatus"]["enum"][0] == "PENDING"
    assert "SKIPPED" in components["StepStatus"]["enum"]
    assert not [name for name in components if name.endswith("Enum")]


def test_errors_are_documented_as_problems(schema):
    start = schema["paths"]["/api/workflows/{workflow_id}/runs/"]["post"]

    for status in ("400", "401", "403", "404", "409", "422"):
        assert "application/problem+json" in start["responses"][status]["content"]
    assert "Location" in start["responses"]["202"]["headers"]


def test_filters_are_documented(schema):
    parameters = schema["paths"]["/api/runs/"]["get"]["parameters"]

    found = {each["name"]: each["schema"] for each in parameters}
    assert found["status"]["type"] == "array"
    assert found["tag"]["type"] == "array"
    assert {"cursor", "page_size", "workflow", "created_after"} <= found.keys()
