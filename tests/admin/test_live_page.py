"""The part of a run's page that refreshes itself, and the pages of its steps."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

import gorkflow
from gorkflow import WorkflowBuilder, register, registry, step
from gorkflow.models import StepExecution, WorkflowRun
from tests.admin.flows import Order

LIST = "/admin/gorkflow/workflowrun/"


def live(client, run, **headers):
    return client.get(f"{LIST}{run.id}/live/", headers=headers)


def step_page(client, run, position):
    return client.get(f"{LIST}{run.id}/steps/{position}/")


def test_nothing_new_costs_two_queries_and_no_body(
    browser, completed, django_assert_max_num_queries
):
    client = browser("view_workflowrun")
    first = live(client, completed)

    with django_assert_max_num_queries(6):  # of which four are for session and permissions
        again = live(client, completed, if_none_match=first["ETag"])

    assert first.status_code == 200
    assert "no-cache" in first["Cache-Control"]
    assert again.status_code == 304
    assert again.content == b""


def test_whatever_happens_to_a_run_changes_the_tag(browser, orders, completed):
    client = browser("view_workflowrun", "view_payload")
    run = orders.start(Order(number=5))
    tags = [live(client, run)["ETag"]]

    WorkflowRun.objects.filter(pk=run.id).update(status="RUNNING")
    tags.append(live(client, run)["ETag"])
    first = StepExecution.objects.filter(run_id=run.id)
    first.update(status="RUNNING", attempt=1, started_at=timezone.now())
    tags.append(live(client, run)["ETag"])
    first.update(progress=0.5)
    tags.append(live(client, run)["ETag"])
    run.cancel()
    tags.append(live(client, run)["ETag"])

    assert len(set(tags)) == len(tags)


def test_a_tag_is_good_for_one_set_of_permissions(browser, staff, client, completed):
    seen = live(browser("view_workflowrun", "view_payload"), completed)["ETag"]

    client.force_login(staff("view_workflowrun", name="bob"))

    assert live(client, completed, if_none_match=seen).status_code == 200


def test_the_news_say_whether_the_run_has_ended(browser, completed, waiting):
    client = browser("view_workflowrun")

    assert live(client, completed).json()["ended"] is True
    news = live(client, waiting).json()
    assert news["ended"] is False
    assert news["said"] == "Pending, 0 of 3 steps done"
    assert "gorkflow-graph" in news["html"]


@pytest.mark.parametrize("path", ["live/", "steps/0/"])
def test_every_part_of_a_run_needs_the_view_permission(browser, completed, path):
    assert browser("cancel_workflowrun").get(f"{LIST}{completed.id}/{path}").status_code == 403


@pytest.mark.parametrize("path", ["live/", "steps/1/"])
def test_without_the_payload_permission_no_detail_is_in_any_part(browser, failed, path):
    page = browser("view_workflowrun").get(f"{LIST}{failed.id}/{path}").content.decode()

    for secret in ("declined", "Traceback", "NonRetryable"):
        assert secret not in page


def test_an_unknown_run_or_step_leads_back(browser, completed):
    client = browser("view_workflowrun")

    assert client.get(f"{LIST}01900000-0000-7000-8000-000000000000/live/").status_code == 404
    assert client.get(f"{LIST}nonsense/live/").status_code == 404
    assert step_page(client, completed, 3).url == f"{LIST}{completed.id}/change/"
    assert client.get(f"{LIST}nonsense/steps/0/").url == LIST


def test_a_step_has_a_page_with_its_attempts(browser, orders):
    run = orders.start(Order(number=7, note="flaky"), synchronous=True)

    page = step_page(browser("view_workflowrun", "view_payload"), run, 1).content.decode()

    assert "Attempt 1" in page
    assert "Attempt 2" in page
    assert "the bank is asleep" in page


def test_a_step_is_found_by_its_id(browser, orders):
    run = orders.start(Order(number=7, note="flaky"), synchronous=True)
    client = browser("view_workflowrun", "view_payload")

    found = client.get(f"{LIST}{run.id}/steps/", {"id": "charge"})
    unknown = client.get(f"{LIST}{run.id}/steps/", {"id": "none"})

    assert "the bank is asleep" in found.content.decode()
    assert unknown.url == f"{LIST}{run.id}/change/"


def test_every_step_is_drawn_with_icon_word_and_link(browser, failed):
    page = browser("view_workflowrun").get(f"{LIST}{failed.id}/change/").content.decode()

    graph = page.partition('class="gorkflow-graph')[2].partition("</svg>")[0]
    assert graph.count("<a ") == 3
    assert f'href="{LIST}{failed.id}/steps/1/"' in graph
    assert "Charge: Failed, 1 attempt" in graph
    assert "gorkflow-failed" in graph
    assert 'class="gorkflow-timeline"' in page


def test_the_steps_can_be_narrowed_down(browser, failed):
    client = browser("view_workflowrun")

    page = client.get(f"{LIST}{failed.id}/change/?show=failed").content.decode()
    odd = client.get(f"{LIST}{failed.id}/change/?show=<b>&page=x").content.decode()

    table = page.partition('class="gorkflow-table ')[2]
    assert "Charge" in table
    assert "Ship" not in table.partition("</table>")[0]
    assert 'id="step-2"' in odd


@step
def twig(value: int) -> int:
    return value


@pytest.fixture
def wide(db):
    made = [twig.with_(id=f"twig-{index}") for index in range(250)]
    workflow = register(WorkflowBuilder("wide").parallel(*made).build())
    yield workflow
    registry.unregister("wide")


def test_many_steps_come_in_pages(browser, wide):
    run = wide.start(1)
    client = browser("view_workflowrun")

    first = client.get(f"{LIST}{run.id}/change/").content.decode()
    last = client.get(f"{LIST}{run.id}/change/?page=3").content.decode()

    assert "Page 1 of 3" in first
    assert first.count('<tr id="step-') == 100
    assert last.count('<tr id="step-') == 50


def reasons(client, run):
    page = client.get(f"{LIST}{run.id}/change/").content.decode()
    return page.partition('id="gorkflow-waiting"')[2].partition("</section>")[0]


def test_a_run_that_nobody_works_on_says_that_it_waits_for_a_worker(browser, waiting):
    assert "Check: waits for a worker" in reasons(browser("view_workflowrun"), waiting)


def test_after_a_while_it_names_the_queue_that_nobody_seems_to_consume(browser, waiting):
    # Sweeps have told workers of it again and again.
    StepExecution.objects.filter(run_id=waiting.id).update(
        ready_at=timezone.now() - timedelta(minutes=5), due_at=timezone.now()
    )

    said = reasons(browser("view_workflowrun"), waiting)

    assert "no worker has taken it from queue celery for 5 min" in said


def test_a_retry_that_is_not_due_says_when_it_is(browser, waiting):
    StepExecution.objects.filter(run_id=waiting.id).update(
        status="RETRYING", attempt=1, due_at=timezone.now() + timedelta(minutes=10)
    )

    assert "attempt 2 is due in 9 min" in reasons(browser("view_workflowrun"), waiting)


def test_a_retry_that_is_to_come_stands_after_the_attempts(browser, waiting):
    due = timezone.now() + timedelta(minutes=10)
    StepExecution.objects.filter(run_id=waiting.id).update(
        status="RETRYING", attempt=1, started_at=timezone.now(), due_at=due
    )

    page = step_page(browser("view_workflowrun"), waiting, 0).content.decode()

    assert (
        f'Attempt 2 <span class="gorkflow-quiet">due at <time datetime="{due.isoformat()}"' in page
    )


def test_a_step_that_waits_for_a_place_in_its_run_says_so(browser, db):
    narrow = register(
        WorkflowBuilder("narrow")
        .parallel(twig.with_(id="one"), twig.with_(id="two"))
        .configure(max_concurrency=1)
        .build()
    )
    try:
        run = narrow.start(1)
        StepExecution.objects.filter(run_id=run.id, step_id="one").update(status="RUNNING")

        page = live(browser("view_workflowrun"), run).json()["html"]
    finally:
        registry.unregister("narrow")

    assert "only 1 step of this run may run at once" in page


def test_a_worker_that_is_not_heard_of_is_named(browser, waiting):
    StepExecution.objects.filter(run_id=waiting.id).update(
        status="RUNNING",
        attempt=1,
        worker="gone:1",
        progress=0.4,
        started_at=timezone.now() - timedelta(minutes=5),
        due_at=timezone.now() - timedelta(minutes=2),
    )
    client = browser("view_workflowrun")

    said = "worker gone:1 has not been heard of since its lease ended 2 min"
    assert said in reasons(client, waiting)
    assert f"40%; {said}" in step_page(client, waiting, 0).content.decode()


def test_code_that_is_not_there_is_named(browser, waiting):
    registry.unregister("orders")

    assert "no code for version 1" in reasons(browser("view_workflowrun"), waiting)


def test_a_full_workflow_is_named_as_the_reason(browser, db):
    limited = register(WorkflowBuilder("limited").limit(max_concurrent_runs=1).then(twig).build())
    try:
        first, second = limited.start(1), limited.start(2)
        WorkflowRun.objects.filter(pk=first.id).update(status="RUNNING")

        said = reasons(browser("view_workflowrun"), second)
    finally:
        registry.unregister("limited")

    assert "only 1 run of this workflow may be under way at once" in said


def test_a_run_that_is_worked_on_or_over_has_nothing_to_explain(browser, completed, waiting):
    client = browser("view_workflowrun")
    StepExecution.objects.filter(run_id=waiting.id).update(status="RUNNING")

    assert reasons(client, completed) == ""
    assert reasons(client, waiting) == ""


def test_the_history_names_who_did_what_and_why(browser, failed):
    failed._engine.retry(failed.id, actor="ann", reason="<b>the bank is back</b>")

    page = browser("view_workflowrun", "view_payload").get(f"{LIST}{failed.id}/change/")

    events = page.content.decode().partition('id="gorkflow-history"')[2]
    assert "Retried" in events
    assert "by ann" in events
    assert "when it was failed" in events
    assert "&lt;b&gt;the bank is back&lt;/b&gt;" in events


def test_the_history_tells_what_the_steps_did(browser, failed):
    page = browser("view_workflowrun").get(f"{LIST}{failed.id}/change/").content.decode()

    events = page.partition('id="gorkflow-history"')[2]
    for said in ("Created", "Begun", "Check completed", "Charge failed", "Failed"):
        assert said in events


def test_a_step_that_workers_leave_alone_says_why(browser, waiting):
    StepExecution.objects.filter(run_id=waiting.id).update(
        progress_note="waits for a worker that has version '2' of the workflow"
    )

    said = reasons(browser("view_workflowrun"), waiting)

    assert "Check: waits for a worker that has version &#x27;2&#x27; of the workflow" in said


def test_the_script_is_small():
    found = Path(gorkflow.__file__).parent / "static" / "gorkflow"

    assert sum(each.stat().st_size for each in found.glob("*.js")) < 15 * 1024
