import json

import pytest

from gorkflow import StepContext, WorkflowBuilder, register, registry, step
from gorkflow.admin.payloads import PREVIEW_BYTES, panel
from tests.admin.flows import Order, order_workflow

HOSTILE = "</pre><script>alert('x')</script>"


def page_of(run):
    return f"/admin/gorkflow/workflowrun/{run.id}/change/"


@step(id="odd <step> / id?", name="<i>odd</i>")
def odd(ctx: StepContext, value: dict[str, str]) -> dict[str, str]:
    ctx.state[HOSTILE] = HOSTILE
    return value


@pytest.fixture
def hostile(db):
    workflow = register(WorkflowBuilder('a"><b>/x', context={HOSTILE: HOSTILE}).then(odd).build())
    yield workflow.start(
        {HOSTILE: HOSTILE},
        resource_id=HOSTILE,
        tags={HOSTILE: HOSTILE},
        started_by=HOSTILE,
        synchronous=True,
    )
    registry.unregister(workflow.id)


def test_the_run_page_needs_the_view_permission(browser, completed):
    assert browser("cancel_workflowrun").get(page_of(completed)).status_code == 403


def test_the_run_page_shows_every_step_with_its_attempts(browser, orders):
    run = orders.start(Order(number=7, note="flaky"), synchronous=True)

    page = browser("view_workflowrun", "view_payload").get(page_of(run)).content.decode()

    assert "Attempt 1" in page
    assert "Attempt 2" in page
    assert "the bank is asleep" in page
    for name in ("Check", "Charge", "Ship"):
        assert name in page


def test_steps_that_were_not_reached_are_shown_with_what_they_wait_for(browser, waiting):
    page = browser("view_workflowrun").get(page_of(waiting)).content.decode()

    assert "waits for a worker" in page
    assert "waits for Check" in page
    assert "waits for Charge" in page


def test_the_first_error_stands_on_top_with_a_link_to_its_step(browser, failed):
    page = browser("view_workflowrun", "view_payload").get(page_of(failed)).content.decode()

    assert page.index('id="gorkflow-error"') < page.index('class="gorkflow-facts"')
    assert (
        f'Failed in step <a href="/admin/gorkflow/workflowrun/{failed.id}/steps/1/">charge</a>'
        in page
    )
    assert 'id="step-1"' in page
    assert "&lt;script&gt;alert(&#x27;declined&#x27;)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "Traceback (most recent call last)" in page


def test_payloads_are_shown_to_those_who_may_see_them(browser, completed):
    page = browser("view_workflowrun", "view_payload").get(page_of(completed)).content.decode()

    assert "&quot;sent&quot;: &quot;receipt-1&quot;" in page
    assert "&quot;number&quot;: 1" in page
    assert "&quot;seen&quot;: 1" in page


@pytest.mark.parametrize("name", ["completed", "failed"])
def test_without_the_permission_no_payload_and_no_error_detail_is_on_the_page(
    browser, request, name
):
    run = request.getfixturevalue(name)

    page = browser("view_workflowrun").get(page_of(run)).content.decode()

    for secret in (
        "receipt-1",
        "&quot;number&quot;",
        "seen",
        "declined",
        "Traceback",
        "NonRetryable",
    ):
        assert secret not in page
    assert "You may not see the inputs, outputs, state and errors of runs." in page


def test_hostile_text_is_escaped_everywhere(browser, hostile):
    client = browser("view_workflowrun", "view_payload", "retry_workflowrun")

    page = client.get(page_of(hostile)).content.decode()

    assert "<script>alert" not in page
    assert "<i>odd" not in page
    assert '"><b>' not in page
    assert "&lt;/pre&gt;&lt;script&gt;" in page


def test_a_long_payload_is_cut_at_64_kib(browser, orders):
    run = orders.start(Order(number=1, note="é" * PREVIEW_BYTES))

    page = browser("view_workflowrun", "view_payload").get(page_of(run)).content.decode()

    assert "Cut here" in page
    assert page.count("é") < PREVIEW_BYTES


def test_a_preview_is_indented_json_with_its_keys_in_their_order():
    value = {"b": 1, "a": [True, None, "ü"]}

    shown = panel("input", "Input", value)

    assert shown.text == json.dumps(value, indent=2, ensure_ascii=False)
    assert not shown.members


def test_the_members_of_a_long_value_fold_one_by_one():
    shown = panel("input", "Input", {"rows": list(range(100)), "name": "x"})

    assert [(each.key, each.is_long) for each in shown.members] == [("rows", True), ("name", False)]


def test_the_number_of_queries_does_not_depend_on_the_run(
    browser, completed, failed, django_assert_max_num_queries
):
    client = browser("view_workflowrun", "view_payload")

    for run in (completed, failed):
        with django_assert_max_num_queries(15):
            client.get(page_of(run))


def test_every_part_of_the_page_is_one_jump_away(browser, completed):
    page = browser("view_workflowrun", "view_payload").get(page_of(completed)).content.decode()

    for part in ("graph", "timeline", "steps", "output", "input", "state", "history"):
        assert f'href="#gorkflow-{part}"' in page
        assert f'id="gorkflow-{part}"' in page


def test_the_run_leads_to_its_workflow(browser, completed):
    page = browser("view_workflowrun").get(page_of(completed)).content.decode()

    assert '<a href="/admin/gorkflow/registeredworkflow/orders/change/">orders</a>' in page


def test_an_unknown_run_leads_back_to_the_admin(browser):
    client = browser("view_workflowrun")

    for odd_id in ("no-uuid", "01900000-0000-7000-8000-000000000000", "a_2Fb"):
        assert client.get(f"/admin/gorkflow/workflowrun/{odd_id}/change/").status_code == 302


def test_the_run_page_changes_nothing_when_it_is_posted(browser, completed):
    client = browser("view_workflowrun")

    assert client.post(page_of(completed), {"status": "FAILED"}).status_code == 403
    assert completed.refresh().status == "COMPLETED"


def test_a_run_of_a_workflow_that_is_gone_is_still_shown(browser, completed):
    registry.unregister("orders")

    response = browser("view_workflowrun", "view_payload").get(page_of(completed))

    assert response.status_code == 200
    assert "Charge" in response.content.decode()


def test_nothing_on_the_page_needs_inline_script_or_style(browser, failed):
    page = browser("view_workflowrun", "view_payload").get(page_of(failed)).content.decode()

    assert " style=" not in page
    assert "<style" not in page
    assert "<script>" not in page


def test_a_workflow_registered_twice_keeps_its_runs_apart_by_version(browser, completed):
    register(order_workflow(version="2"))
    run = registry.get("orders").start(Order(number=5), synchronous=True)

    page = browser("view_workflowrun").get(page_of(run)).content.decode()

    assert "<dd>2</dd>" in page
