"""Every fenced block of the documents is run or checked; one that nothing handles fails."""

import re
import sys
import types

import pytest
from django.dispatch import Signal

from gorkflow import RunStatus, StepStatus, registry, signals
from gorkflow.definition.binding import using_engine
from gorkflow.settings import get_settings
from gorkflow.testing import LocalEngine, VirtualClock
from tests.docs.commands import check_command
from tests.docs.documents import blocks, section, spans
from tests.docs.host import printed_worker, run_python, write_host

HANDLED = (
    "bash",
    "bash curl",
    "mermaid",
    "python",
    "python database",
    "python file",
    "python libsql",  # by tests/libsql, which has the driver
    "python pytest",
    "python script",
    "python settings",
    "sql",  # by tests/docs/test_sql.py, on PostgreSQL
)

ASKING = """
import django

django.setup()

from django.test import Client
from gorkflow.wiring import get_engine

answer = Client().post("/orders/")
assert answer.status_code == 202, answer
print(get_engine().run(answer.json()["run"]).wait(40).output)
assert Client().get("/api/runs/").status_code in (401, 403)
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A host project as the documents describe it, migrated."""
    directory = tmp_path_factory.mktemp("host")
    write_host(directory)
    run_python(directory, "manage.py", "makemigrations", "shop")
    run_python(directory, "manage.py", "migrate")
    return directory


@pytest.fixture
def module():
    """A module for blocks that read on from each other; the workflows they register are removed."""
    known = {workflow.id for workflow in registry}
    made = types.ModuleType("readme")
    sys.modules["readme"] = made
    yield made
    del sys.modules["readme"]
    for workflow_id in {workflow.id for workflow in registry} - known:
        registry.unregister(workflow_id)


class WaitingClock(VirtualClock):
    """Whoever sleeps lets the workers work meanwhile."""

    def __init__(self, engine):
        super().__init__()
        self._engine = engine

    def sleep(self, seconds):
        super().sleep(seconds)
        self._engine.drain()


class WorkedEngine(LocalEngine):
    """A local engine whose workers work while somebody waits for a run, as real ones would."""

    def __init__(self):
        super().__init__()
        self.clock = WaitingClock(self)


def execute(block, module):
    """Run a block in the module, and the tests that it defines."""
    known = set(vars(module))
    exec(compile(block.text, block.place, "exec"), vars(module))
    for name in set(vars(module)) - known:
        if name.startswith("test_"):
            vars(module)[name]()


def execute_local_blocks(module):
    for block in blocks("python"):
        with using_engine(WorkedEngine()):
            execute(block, module)


def test_every_block_is_handled_by_a_test_and_every_kind_is_there():
    assert {block.kind for block in blocks()} == set(HANDLED)


def test_the_example_runs_as_printed_without_settings_and_is_short(tmp_path):
    (block,) = blocks("python script")
    (tmp_path / "example.py").write_text(block.text)

    printed = run_python(tmp_path, "example.py")

    promised = next(span for span in spans(section("Example")) if span.startswith("COMPLETED"))
    assert printed.splitlines()[-1] == promised
    assert "step_retrying" in printed
    assert len([line for line in block.text.splitlines() if line]) <= 25


def test_the_python_blocks_run_one_after_the_other(module, capsys):
    execute_local_blocks(module)

    assert module.again.record.rerun_of == module.run.id
    assert "charge COMPLETED 1" in capsys.readouterr().out


def test_the_workflow_off_the_main_chain_does_what_its_comments_say(module):
    execute_local_blocks(module)

    with using_engine(WorkedEngine()):
        run = module.audited.start(module.Order(order_id=7), synchronous=True)
        bad = module.audited.start(module.Order(order_id=-1), synchronous=True)

    assert run.output == "audited 7, receipt 7, EUR"
    assert bad.status is RunStatus.FAILED
    assert bad.steps()[0].attempt == 1


@pytest.mark.django_db
def test_the_database_blocks_find_the_runs_of_the_blocks_before(
    module, django_capture_on_commit_callbacks
):
    execute_local_blocks(module)
    order = module.Order(order_id=42)
    with django_capture_on_commit_callbacks():
        run = module.fulfil.start(order, tags={"tenant": "acme"}, resource_id="order-42")

    for block in blocks("python database"):
        execute(block, module)

    assert [found.pk for found in module.orders] == [run.id]
    assert [found.pk for found in module.waiting] == [run.id]
    assert not module.page.runs
    assert not module.retried.exists()
    assert module.get_engine().run(run.id).status is RunStatus.PENDING


@pytest.mark.django_db
def test_signals_bring_the_arguments_that_the_readme_lists(
    module, django_capture_on_commit_callbacks
):
    told = re.findall(r"`(\w+)`(?: and `(\w+)`)? \((`[^)]*`)\)", section("Logs and signals"))
    listed = {name: set(spans(data)) for *names, data in told for name in names if name}
    assert set(listed) == {name for name, each in vars(signals).items() if type(each) is Signal}
    execute_local_blocks(module)
    heard = {}

    def hear(signal, sender, **data):
        heard[signal] = set(data)

    for name in listed:
        getattr(signals, name).connect(hear, dispatch_uid="readme")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            module.fulfil.start(module.Order(order_id=42), synchronous=True)
    finally:
        for name in listed:
            getattr(signals, name).disconnect(dispatch_uid="readme")

    assert heard == {getattr(signals, name): data for name, data in listed.items()}


def test_the_contract_suite_of_the_documents_passes(tmp_path):
    (block,) = blocks("python pytest")
    (tmp_path / "test_store.py").write_text(block.text)

    printed = run_python(tmp_path, "-m", "pytest", "-q", "-p", "no:django", "test_store.py")

    assert int(re.search(r"(\d+) passed", printed)[1]) > 20


def test_each_settings_block_passes_the_validation_of_settings(settings, host, monkeypatch):
    monkeypatch.syspath_prepend(str(host))
    for block in blocks("python settings"):
        names = {"INSTALLED_APPS": [], "BASE_DIR": host, "DATABASES": {"default": {}}}
        exec(compile(block.text, block.place, "exec"), names)
        settings.GORKFLOW = names.get("GORKFLOW", {})
        assert get_settings()


def test_the_host_project_of_the_documents_has_no_faults(host):
    told = run_python(host, "manage.py", "check", "--fail-level", "WARNING")

    assert "no issues" in told


@pytest.mark.process
def test_a_request_starts_a_run_that_the_printed_worker_command_completes(host):
    (line,) = [line for line in _command_lines() if line.startswith("celery")]

    with printed_worker(host, line):
        printed = run_python(host, "-c", ASKING, env={"DJANGO_SETTINGS_MODULE": "mysite.settings"})

    assert re.search(r"order \d+ is confirmed", printed)


def _command_lines():
    return [line for block in blocks("bash") for line in block.text.splitlines() if line]


@pytest.mark.parametrize("line", _command_lines())
def test_each_command_line_can_be_given(line, host, tmp_path):
    check_command(line, host, tmp_path)


def test_the_state_diagrams_show_every_status_and_no_other():
    (block,) = blocks("mermaid")
    for name, statuses in (("Run", RunStatus), ("Step", StepStatus)):
        drawn = re.search(rf"state {name} \{{(.*?)\}}", block.text, re.S)[1]
        ends = re.findall(r"(\S+) --> (\S+?):? ", drawn.replace("\n", " \n"))
        assert {state for pair in ends for state in pair} - {"[*]"} == set(statuses)
