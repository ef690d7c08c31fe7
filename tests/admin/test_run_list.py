from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from gorkflow.admin import paginator
from gorkflow.models import WorkflowRun
from tests.admin.flows import Order

LIST = "/admin/gorkflow/workflowrun/"


def shown(response):
    return [run.pk for run in response.context["cl"].result_list]


def test_the_list_needs_a_login(client, db):
    assert client.get(LIST).status_code == 302


def test_the_list_needs_the_view_permission(browser):
    assert browser("cancel_workflowrun").get(LIST).status_code == 403


def test_a_run_is_shown_with_its_status_as_icon_and_word_its_progress_and_its_times(
    browser, completed, failed
):
    page = browser("view_workflowrun").get(LIST).content.decode()

    assert "</svg>Completed" in page
    assert "</svg>Failed" in page
    assert '<progress class="gorkflow-completed" max="100" value="100.0"' in page
    assert "3 of 3" in page
    assert "1 of 3, 1 failed" in page
    assert "order-1" in page
    assert str(completed.id)[:18] in page
    assert completed.record.created_at.isoformat() in page


def test_the_number_of_queries_does_not_depend_on_the_number_of_runs(
    browser, orders, django_assert_num_queries
):
    client = browser("view_workflowrun")
    for number in range(1, 4):
        orders.start(Order(number=number))
    client.get(LIST)

    with django_assert_num_queries(7):
        client.get(LIST)
    for number in range(4, 40):
        orders.start(Order(number=number))
    with django_assert_num_queries(7):
        client.get(LIST)


def test_no_payload_and_no_error_is_loaded(browser, failed, django_assert_num_queries):
    client = browser("view_workflowrun")

    with django_assert_num_queries(7) as queries:
        client.get(LIST)

    runs = [q["sql"] for q in queries if 'FROM "gorkflow_workflowrun"' in q["sql"]]
    for column in ("input", "output", "context", "error"):
        assert not any(f'"gorkflow_workflowrun"."{column}"' in sql for sql in runs)


def test_runs_are_counted_up_to_a_limit_only(browser, orders, monkeypatch):
    monkeypatch.setattr(paginator, "MAX_COUNT", 2)
    for number in range(1, 5):
        orders.start(Order(number=number))

    response = browser("view_workflowrun").get(LIST)

    assert response.context["cl"].result_count == 2
    assert "There are more runs than this list reaches" in response.content.decode()


@pytest.mark.parametrize(
    ("status", "expected"),
    [("FAILED", ["failed"]), ("unfinished", ["waiting"]), ("CANCELLED", [])],
)
def test_the_list_is_filtered_by_status(browser, completed, failed, waiting, status, expected):
    runs = {"failed": failed.id, "waiting": waiting.id}

    response = browser("view_workflowrun").get(LIST, {"status": status})

    assert shown(response) == [runs[name] for name in expected]


def test_workflows_are_offered_from_the_registry_and_from_the_url(browser, completed):
    client = browser("view_workflowrun")

    offered = client.get(LIST).content.decode()
    unknown = client.get(LIST, {"workflow": "<b>gone</b>"})

    assert "?workflow=orders" in offered
    assert shown(unknown) == []
    assert "&lt;b&gt;gone&lt;/b&gt;" in unknown.content.decode()
    assert shown(client.get(LIST, {"workflow": "orders"})) == [completed.id]


def test_the_list_is_filtered_by_age(browser, completed, waiting):
    WorkflowRun.objects.filter(pk=waiting.id).update(created_at=timezone.now() - timedelta(hours=2))

    response = browser("view_workflowrun").get(LIST, {"created": "1h"})

    assert shown(response) == [completed.id]


def test_a_run_is_found_by_the_beginning_of_its_id_or_by_its_whole_resource_id(
    browser, completed, failed
):
    client = browser("view_workflowrun")
    run_id = str(failed.id)

    assert shown(client.get(LIST, {"q": run_id[:30]})) == [failed.id]
    assert shown(client.get(LIST, {"q": run_id.replace("-", "").upper()})) == [failed.id]
    assert shown(client.get(LIST, {"q": " order-1 "})) == [completed.id]
    assert shown(client.get(LIST, {"q": "order-"})) == []
    assert shown(client.get(LIST, {"q": run_id + "0"})) == []


def test_the_search_says_what_it_searches(browser, completed):
    page = browser("view_workflowrun").get(LIST).content.decode()

    assert "a whole resource id, or a tag of the past 30 days as name:value." in page


@pytest.mark.parametrize(
    "query",
    [
        {"input__number": "1"},
        {"output__contains": "x"},
        {"error__message__startswith": "x"},
        {"steps__output__contains": "x"},
        {"rerun_of__input__number": "1"},
    ],
)
def test_payloads_cannot_be_guessed_through_the_url(browser, completed, query):
    assert browser("view_workflowrun").get(LIST, query).status_code == 400


def test_an_empty_list_says_why_it_is_empty(browser):
    client = browser("view_workflowrun")

    assert "There are no runs yet." in client.get(LIST).content.decode()
    assert "No run matches." in client.get(LIST, {"status": "FAILED"}).content.decode()


def test_facets_are_never_counted(browser, completed, django_assert_num_queries):
    client = browser("view_workflowrun")

    with django_assert_num_queries(7):
        client.get(LIST, {"_facets": "True"})


def test_hostile_text_is_escaped(browser, orders):
    orders.start(Order(number=1), resource_id="<img src=x onerror=alert(1)>")

    page = browser("view_workflowrun").get(LIST).content.decode()

    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_nothing_on_the_page_needs_inline_script_or_style(browser, completed):
    page = browser("view_workflowrun").get(LIST).content.decode()

    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page


def test_runs_cannot_be_added_or_deleted(browser, completed):
    client = browser("view_workflowrun", "delete_workflowrun")

    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{completed.id}/delete/", {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [str(completed.id)]})
    assert WorkflowRun.objects.filter(pk=completed.id).exists()


def test_posts_without_a_csrf_token_are_refused(staff, waiting):
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff("view_workflowrun", "cancel_workflowrun"))
    data = {"action": "cancel_runs", "_selected_action": [str(waiting.id)], "confirmed": "1"}

    assert client.post(LIST, data).status_code == 403
    assert client.post(f"{LIST}{waiting.id}/cancel/").status_code == 403
    assert waiting.refresh().status == "PENDING"


@pytest.fixture
def mixed(orders, db):
    """Runs that differ in everything that the list can be narrowed down by."""
    return {
        "tagged": orders.start(Order(number=1), tags={"tenant": "acme", 'odd":<b>': "x:y"}),
        "by ann": orders.start(Order(number=2), started_by="ann"),
        "flaky": orders.start(Order(number=3, note="flaky"), synchronous=True),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"tag": "tenant:acme"}, ["tagged"]),
        ({"tag": 'odd":<b>:x:y'}, []),
        ({"tag": "tenant"}, []),
        ({"started_by": "ann"}, ["by ann"]),
        ({"retries": "24h"}, ["flaky"]),
        ({"workflow": "orders", "version": "2"}, []),
        ({"version": "1", "retries": "7d"}, ["flaky"]),
        ({"q": "tenant:acme"}, ["tagged"]),
        ({"q": "tenant: acme"}, ["tagged"]),
        ({"q": "tenant:other"}, []),
    ],
)
def test_the_list_is_narrowed_down(browser, mixed, query, expected):
    response = browser("view_workflowrun").get(LIST, query)

    assert shown(response) == [mixed[name].id for name in expected]


def test_tags_and_names_on_a_row_narrow_the_list_down_and_keep_what_was_chosen(browser, mixed):
    page = browser("view_workflowrun").get(LIST, {"status": "PENDING"}).content.decode()

    assert "?status=PENDING&amp;tag=tenant%3Aacme" in page
    assert "?started_by=ann&amp;status=PENDING" in page
    assert "odd&quot;:&lt;b&gt;: x:y" in page


def test_a_row_tells_how_many_steps_failed_and_were_retried(browser, mixed, failed):
    page = browser("view_workflowrun").get(LIST).content.decode()

    assert "3 of 3, 1 retried" in page
    assert "1 of 3, 1 failed" in page


def test_versions_are_offered_once_a_workflow_is_chosen(browser, completed):
    client = browser("view_workflowrun")

    assert "version=1" not in client.get(LIST).content.decode()
    assert "version=1" in client.get(LIST, {"workflow": "orders"}).content.decode()


def test_a_tag_is_looked_for_in_the_past_30_days_unless_another_time_is_chosen(browser, mixed):
    WorkflowRun.objects.update(created_at=timezone.now() - timedelta(days=31))
    client = browser("view_workflowrun")

    assert shown(client.get(LIST, {"tag": "tenant:acme"})) == []
    assert shown(client.get(LIST, {"q": "tenant:acme"})) == []


NEW_ID = {
    "sqlite": "lower(hex(randomblob(16)))",
    "postgresql": "gen_random_uuid()",
    "mysql": "uuid()",
}


def multiply(times):
    """Double the runs so many times, within the database: no other way is fast enough."""
    table, columns = WorkflowRun._meta.db_table, WorkflowRun._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(each.column) for each in columns)
    values = names.replace(connection.ops.quote_name("id"), NEW_ID[connection.vendor], 1)
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {table}")


def test_a_hundred_thousand_runs_cost_what_a_few_do(browser, waiting, django_assert_num_queries):
    client = browser("view_workflowrun")
    multiply(times=17)
    assert WorkflowRun.objects.count() == 131_072

    with django_assert_num_queries(7) as queries:
        response = client.get(LIST)

    assert response.context["cl"].result_count == paginator.MAX_COUNT
    assert len(shown(response)) == 50
    counts = [each["sql"] for each in queries if "COUNT(*)" in each["sql"]]
    assert all("LIMIT" in sql for sql in counts)
