"""The first page of the app in the admin."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from gorkflow import WorkflowBuilder, register, registry
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.templatetags.gorkflow_dashboard import gorkflow_dashboard
from tests.admin.flows import Order, check

PAGE = "/admin/gorkflow/"
RUNS = "/admin/gorkflow/workflowrun/"


def test_the_dashboard_is_for_those_who_may_see_runs(rf, staff, completed):
    request = rf.get(PAGE)
    request.user = staff("cancel_workflowrun")

    assert gorkflow_dashboard({"request": request}) == {}


def test_runs_are_counted_by_status_and_age_and_each_count_is_a_link(browser, completed, failed):
    WorkflowRun.objects.filter(pk=failed.id).update(created_at=timezone.now() - timedelta(hours=3))

    page = browser("view_workflowrun").get(PAGE).content.decode()

    assert f'href="{RUNS}?status=COMPLETED&amp;created=15m">1</a>' in page
    assert f'href="{RUNS}?status=FAILED&amp;created=24h">1</a>' in page
    assert f'href="{RUNS}?status=FAILED&amp;created=1h"' not in page


def test_the_links_lead_to_the_runs_that_were_counted(browser, completed, failed):
    client = browser("view_workflowrun")

    for link in re.findall(r'href="([^"]+created=[^"]+)">1</a>', client.get(PAGE).content.decode()):
        response = client.get(link.replace("&amp;", "&"))
        assert response.context["cl"].result_count == 1


def test_runs_of_a_day_and_their_durations_are_drawn(browser, completed, failed):
    page = browser("view_workflowrun").get(PAGE).content.decode()

    assert 'class="gorkflow-bars' in page
    assert "1 completed, 1 failed" in page
    assert 'class="gorkflow-span"' in page
    assert " style=" not in page


def test_failures_are_listed_with_what_their_reader_may_see(browser, staff, client, failed):
    page = browser("view_workflowrun", "view_payload").get(PAGE).content.decode()
    client.force_login(staff("view_workflowrun", name="bob"))
    less = client.get(PAGE).content.decode()

    assert f'href="{RUNS}{failed.id}/change/"' in page
    assert "&lt;script&gt;alert(&#x27;declined&#x27;)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "declined" not in less
    assert "EXECUTION_FAILED" in less


def let_wait(run, minutes=10):
    StepExecution.objects.filter(run_id=run.id).update(
        due_at=timezone.now() - timedelta(minutes=minutes)
    )


def test_a_queue_that_nobody_consumes_is_named_on_top(browser, waiting):
    let_wait(waiting)

    page = browser("view_workflowrun").get(PAGE).content.decode()

    assert "Nothing consumes queue celery" in page
    assert "1 step waits, the oldest for 10 min" in page


def test_work_of_a_worker_that_is_gone_waits_too(browser, waiting):
    gone = timezone.now() - timedelta(minutes=5)
    StepExecution.objects.filter(run_id=waiting.id).update(status="RUNNING", due_at=gone)

    page = browser("view_workflowrun").get("/admin/gorkflow/").content.decode()

    assert "Nothing consumes queue" in page


def test_a_queue_that_is_worked_on_but_not_enough_says_so(browser, waiting, orders):
    let_wait(waiting)
    other = orders.start(Order(number=5))
    StepExecution.objects.filter(run_id=other.id).update(
        status="RUNNING", due_at=timezone.now() + timedelta(minutes=1)
    )

    page = browser("view_workflowrun").get(PAGE).content.decode()

    assert "Work piles up on queue celery" in page


@pytest.mark.parametrize("limits", [{"run_limit": 1}, {"step_limit": 1}])
def test_work_that_waits_for_a_limit_is_no_reason_for_alarm(browser, waiting, limits):
    let_wait(waiting)
    WorkflowRun.objects.filter(pk=waiting.id).update(**limits)

    assert "queue celery" not in browser("view_workflowrun").get(PAGE).content.decode()


def test_fresh_and_ended_work_is_no_reason_for_alarm(browser, waiting, failed):
    let_wait(failed)

    assert "queue celery" not in browser("view_workflowrun").get(PAGE).content.decode()


def test_hostile_names_are_escaped(browser, db):
    odd = register(WorkflowBuilder('<img src=x onerror="1">').then(check).build())
    try:
        odd.start(Order(number=1), synchronous=True)
        page = browser("view_workflowrun").get(PAGE).content.decode()
    finally:
        registry.unregister(odd.id)

    assert "<img src=x" not in page


def test_the_number_of_queries_does_not_depend_on_the_number_of_runs(
    browser, orders, completed, django_assert_max_num_queries
):
    client = browser("view_workflowrun")
    client.get(PAGE)
    for number in range(1, 30):
        orders.start(Order(number=number))

    with django_assert_max_num_queries(14):
        client.get(PAGE)
