"""What pages do by themselves, and what they must not disturb while they do it."""

import pytest

from gorkflow import WorkflowBuilder, register, registry, step
from gorkflow.models import WorkflowRun
from tests.admin.flows import Order
from tests.shop.workflows import Job, gated

RUNS = "/admin/gorkflow/workflowrun/"
START = "/admin/gorkflow/registeredworkflow/orders/start/"


def status_of(tab):
    return tab.locator(".gorkflow-facts .gorkflow-status").first


def test_a_run_is_followed_to_its_end_without_moving_the_page(
    open_tab, start_worker, tmp_path, orders
):
    gate = tmp_path / "gate"
    gate.mkdir()
    start_worker("-P", "solo", env={"DJANGO_SETTINGS_MODULE": "tests.settings"})
    run = gated.start(Job(name="<b>bold</b>", gate=str(gate)))
    tab = open_tab()
    tab.goto(f"{RUNS}{run.id}/change/")
    tab.get_by_text("Running").first.wait_for()
    tab.evaluate("window.mark = 'the same page'")
    tab.locator(".gorkflow-table a").first.focus()
    tab.locator("details", has=tab.locator("#gorkflow-input")).locator("summary").first.click()
    tab.evaluate("window.scrollTo(0, 300)")

    (gate / "open").touch()
    status_of(tab).get_by_text("Completed").wait_for()
    tab.locator("#gorkflow-output").wait_for()

    assert tab.evaluate("window.mark") == "the same page"
    assert tab.evaluate("window.scrollY") == 300
    details = tab.locator("details", has=tab.locator("#gorkflow-input"))
    assert not details.evaluate("each => each.open")
    assert tab.locator(".gorkflow-node.gorkflow-completed").count() == 3
    assert tab.locator(".gorkflow-ticker button").count() == 0
    assert tab.get_by_role("link", name="Cancel…").count() == 0


def test_focus_stays_where_it_is_while_the_page_changes(open_tab, waiting):
    tab = open_tab()
    tab.goto(f"{RUNS}{waiting.id}/change/")
    tab.locator("#step-1 a").focus()

    waiting.cancel("in between")
    status_of(tab).get_by_text("Cancelled").wait_for()

    assert tab.evaluate("document.activeElement.closest('tr').id") == "step-1"


def test_a_paused_page_stays_as_it_is(open_tab, waiting):
    tab = open_tab()
    tab.goto(f"{RUNS}{waiting.id}/change/")
    tab.get_by_role("button", name="Pause").click()

    waiting.cancel()
    tab.wait_for_timeout(3500)
    assert status_of(tab).inner_text().strip() == "Pending"

    tab.get_by_role("button", name="Go on").click()
    status_of(tab).get_by_text("Cancelled").wait_for()


def test_a_page_whose_reader_was_logged_out_stops_and_says_so(open_tab, waiting):
    tab = open_tab(errors_are_expected=True)
    tab.goto(f"{RUNS}{waiting.id}/change/")

    tab.context.clear_cookies()

    tab.get_by_text("No longer updated; reload the page").wait_for()


def test_the_rows_of_the_list_follow_their_runs(open_tab, waiting, completed):
    tab = open_tab()
    tab.goto(RUNS)
    row = tab.locator("#result_list tbody tr", has=tab.get_by_text("Pending"))
    row.locator("input").check()

    waiting.cancel()
    tab.locator("#result_list").get_by_text("Cancelled").wait_for()

    checked = tab.locator("#result_list input.action-select:checked")
    assert [each.get_attribute("value") for each in checked.all()] == [str(waiting.id)]


def test_a_step_opens_beside_the_page_and_closes_again(open_tab, flaky):
    tab = open_tab()
    tab.goto(f"{RUNS}{flaky.id}/change/")
    node = tab.locator("#gorkflow-node-1")
    node.focus()
    tab.keyboard.press("Enter")
    panel = tab.locator(".gorkflow-panel")
    panel.get_by_text("the bank is asleep").first.wait_for()

    assert tab.url.endswith("/change/#step=charge")
    assert tab.evaluate("document.activeElement.id") == "gorkflow-panel-title"
    tab.keyboard.press("Escape")
    assert panel.count() == 0
    assert tab.evaluate("document.activeElement.id") == "gorkflow-node-1"


def test_an_open_step_stays_open_and_follows_its_run(open_tab, orders):
    run = orders.start(Order(number=5, note="flaky"))
    tab = open_tab()
    tab.goto(f"{RUNS}{run.id}/change/#step=charge")
    panel = tab.locator(".gorkflow-panel")
    panel.get_by_text("Pending").first.wait_for()
    tab.evaluate("document.querySelector('.gorkflow-panel').mark = 'the same panel'")

    run.cancel()
    panel.get_by_text("Cancelled").first.wait_for()

    assert panel.evaluate("each => each.mark") == "the same panel"
    assert tab.evaluate("document.activeElement.id") == "gorkflow-panel-title"


def test_a_deep_link_opens_the_step_and_its_attempt(open_tab, flaky):
    tab = open_tab()
    tab.goto(f"{RUNS}{flaky.id}/change/#step=charge&attempt=2&view=timeline")

    panel = tab.locator(".gorkflow-panel")
    panel.get_by_text("Attempt 2").wait_for()
    assert panel.get_by_role("heading", name="Charge").count() == 1


def test_a_deep_link_opens_a_step_that_the_page_has_no_room_for(open_tab, thousand):
    tab = open_tab()
    tab.goto(f"{RUNS}{thousand.id}/change/#step=bead-777")

    panel = tab.locator(".gorkflow-panel")
    panel.get_by_text("bead-777").wait_for()
    assert tab.url.endswith("#step=bead-777")


def test_a_page_on_which_nothing_happens_asks_less_and_less_often(open_tab, waiting):
    tab = open_tab()
    answers = []
    tab.on("response", lambda each: "/live/" in each.url and answers.append(each.status))
    tab.clock.install()
    tab.goto(f"{RUNS}{waiting.id}/change/")

    gaps = []
    # On a slow machine something may happen all the same: a word on who has not come for the run.
    for number in range(1, 30):
        gap = 0
        while len(answers) < number:
            tab.clock.run_for(500)
            tab.wait_for_timeout(20)  # for the server; the page's own clock stands still
            gap += 0.5
        gaps.append(gap)
        if gap > 8:
            break

    # Ten per cent more or less, so that tabs do not ask in step.
    assert answers[0] == 200
    assert set(answers[1:]) <= {304, 200}
    assert 1.5 <= gaps[0] <= 3
    assert max(gaps) <= 17.5
    assert gaps[-1] > 8


def test_a_page_that_nobody_looks_at_asks_nothing(open_tab, waiting):
    tab = open_tab()
    asked = []
    tab.on("request", lambda each: "/live/" in each.url and asked.append(each.url))
    tab.clock.install()
    tab.goto(f"{RUNS}{waiting.id}/change/")
    hide = "Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true})"
    tab.evaluate(f"window.away = true; {hide}")
    tab.clock.run_for(60_000)
    assert asked == []

    tab.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    with tab.expect_response("**/live/**"):
        tab.clock.run_for(100)


def test_keys_lead_to_what_matters(open_tab, failed):
    tab = open_tab()
    tab.goto(f"{RUNS}{failed.id}/change/")

    tab.keyboard.press("n")
    assert tab.evaluate("document.activeElement.textContent") == "Charge"
    tab.keyboard.press("t")
    assert tab.evaluate("document.activeElement.id") == "gorkflow-timeline"
    tab.keyboard.press("?")
    assert tab.get_by_role("dialog", name="Keys").is_visible()
    tab.keyboard.press("Escape")
    tab.goto(RUNS)
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "searchbar"
    tab.keyboard.type("n?/")
    assert tab.locator("#searchbar").input_value() == "n?/"


def test_a_drawing_is_made_larger_and_smaller(open_tab, waiting):
    tab = open_tab()
    tab.goto(f"{RUNS}{waiting.id}/change/")
    svg = tab.locator(".gorkflow-graph")
    before = svg.bounding_box()["width"]

    tab.get_by_role("button", name="Larger").first.click()
    larger = svg.bounding_box()["width"]
    waiting.cancel()
    status_of(tab).get_by_text("Cancelled").wait_for()

    assert larger > before
    assert svg.bounding_box()["width"] == larger


def test_a_double_click_starts_one_run(open_tab, orders):
    tab = open_tab()
    tab.goto(START)
    tab.get_by_label("Number").fill("7")

    tab.get_by_role("button", name="Start a run").dblclick()
    tab.wait_for_url("**/change/")

    assert WorkflowRun.objects.count() == 1


def test_what_is_wrong_is_said_at_its_field_and_mended(open_tab, orders):
    tab = open_tab()
    tab.goto(START)
    tab.get_by_label("Number").fill("0")
    tab.get_by_role("button", name="Start a run").click()
    tab.get_by_text("Input should be greater than 0").wait_for()

    tab.get_by_label("Number").fill("8")
    tab.get_by_role("button", name="Start a run").click()

    tab.wait_for_url("**/change/")
    assert WorkflowRun.objects.get().input["number"] == 8


def test_all_runs_of_a_filter_are_cancelled_after_a_question(open_tab, orders):
    runs = [orders.start(Order(number=number)) for number in range(1, 4)]
    tab = open_tab()
    tab.goto(f"{RUNS}?status=unfinished")
    tab.locator("#action-toggle").check()
    tab.locator("select[name=action]").select_option(label="Cancel selected runs…")
    tab.locator(".actions button[name=index]").click()  # "Go", or "Run" by Django 6.1
    tab.get_by_role("heading", name="Cancel 3 runs?").first.wait_for()
    tab.get_by_label("Reason").fill("closing time")
    tab.get_by_role("button", name="Yes, cancel").click()
    tab.get_by_text("3 runs were cancelled.").wait_for()

    assert {run.refresh().error.message for run in runs} == {"closing time"}


@step
def bead(value: int) -> int:
    return value


@pytest.fixture
def thousand(transactional_db):
    branches = [bead.with_(id=f"bead-{index}") for index in range(998)]
    builder = WorkflowBuilder("thousand").then(bead.with_(id="first")).parallel(*branches)
    workflow = register(builder.then(count_them).build())
    yield workflow.start(1)
    registry.unregister("thousand")


@step(id="last")
def count_them(values: list[int]) -> int:
    return len(values)


def test_a_run_of_a_thousand_steps_is_shown_and_steered(open_tab, thousand):
    tab = open_tab()
    tab.goto(f"{RUNS}{thousand.id}/change/")

    assert tab.locator(".gorkflow-graph .gorkflow-node").count() == 3
    assert "\N{MULTIPLICATION SIGN}998" in tab.locator(".gorkflow-graph").text_content()
    assert tab.locator(".gorkflow-table tbody tr").count() == 100
    tab.get_by_role("link", name="Later steps").click()
    tab.get_by_text("Page 2 of 10").wait_for()
    took = tab.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    assert took < 5000
    thousand.cancel()
    status_of(tab).get_by_text("Cancelled").wait_for()
