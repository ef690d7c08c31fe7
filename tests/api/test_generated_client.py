"""A client that somebody else's tool makes of docs/openapi.yaml starts and follows a run."""

import importlib
import os
import subprocess
import sys
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
PACKAGE = "gorkflow_client"
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        find_spec("openapi_python_client") is None and not os.environ.get("CI"),
        reason="openapi-python-client is not installed: pip install --group test",
    ),
]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The generated package, importable; its generator has nothing to warn of."""
    directory = tmp_path_factory.mktemp("client")
    config = directory / "config.yaml"
    config.write_text("post_hooks: []\n")  # they would make it pretty
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "openapi_python_client", "generate"),
            *("--path", DOCUMENT, "--config", config, "--meta", "none", "--fail-on-warning"),
            *("--output-path", directory / PACKAGE),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(directory)
        yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def client(package, live_server):
    login = b64encode(b"admin:pw").decode()
    with package("client").AuthenticatedClient(
        base_url=live_server.url, token=login, prefix="Basic"
    ) as client:
        yield client


@pytest.mark.usefixtures("shop", "worker")
def test_it_starts_a_run_with_a_typed_input_and_follows_it_to_its_typed_output(package, client):
    models, runs = package("models"), "api.runs"
    order = models.PlaceOrder(number=1001, customer="Ada")
    body = models.Start(input_=order, resource_id="order-1001")

    answer = package(f"{runs}.runs_start").sync_detailed("fulfil-order", client=client, body=body)
    run = answer.parsed
    while run.status.value not in ENDED:
        run = package(f"{runs}.runs_retrieve").sync(run.id, client=client, wait=10)
    output = package(f"{runs}.runs_output_retrieve").sync(run.id, client=client)
    steps = package(f"{runs}.runs_steps_list").sync(run.id, client=client)
    page = package(f"{runs}.runs_list").sync(client=client, workflow="fulfil-order")

    assert answer.status_code == 202
    assert answer.headers["Location"].endswith(f"/api/runs/{run.id}/")
    assert isinstance(run, models.RunDetail)
    assert (run.status, run.progress) == (models.RunStatus.COMPLETED, 1.0)
    assert run.input_ == order
    assert isinstance(run.output, models.Confirmation)
    assert output == run.output
    assert {step.status.value for step in steps} <= {"COMPLETED", "SKIPPED"}
    assert [listed.id for listed in page.results] == [run.id]


@pytest.mark.usefixtures("shop")
def test_what_is_refused_is_a_problem_with_a_code_and_the_fields(package, client):
    models = package("models")
    start = package("api.runs.runs_start")
    order = models.PlaceOrder(number=-1, customer="")

    refused = start.sync("fulfil-order", client=client, body=models.Start(input_=order))
    unknown = start.sync("nothing", client=client, body=models.Start())

    assert isinstance(refused, models.Problem)
    assert refused.code == "VALIDATION_ERROR"
    assert {tuple(error.loc) for error in refused.errors} >= {("input", "number")}
    assert (unknown.status, unknown.code) == (404, "NOT_FOUND")
