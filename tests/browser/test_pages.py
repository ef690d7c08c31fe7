"""Every page: clean under its policy, accessible, and usable on a phone and without scripts."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from gorkflow import StepContext, WorkflowBuilder, register, registry, step
from gorkflow.models import WorkflowRun

RUNS = "/admin/gorkflow/workflowrun/"
WORKFLOWS = "/admin/gorkflow/registeredworkflow/"
BAD = {"serious", "critical"}


@pytest.fixture
def pages(completed, flaky, failed, waiting):
    return {
        "dashboard": "/admin/gorkflow/",
        "list": RUNS,
        "empty list": f"{RUNS}?status=CANCELLED",
        "completed run": f"{RUNS}{completed.id}/change/",
        "flaky run": f"{RUNS}{flaky.id}/change/",
        "failed run": f"{RUNS}{failed.id}/change/",
        "waiting run": f"{RUNS}{waiting.id}/change/",
        "step": f"{RUNS}{flaky.id}/steps/1/",
        "cancel": f"{RUNS}{waiting.id}/cancel/",
        "retry": f"{RUNS}{failed.id}/retry/",
        "rerun": f"{RUNS}{completed.id}/rerun/",
        "workflows": WORKFLOWS,
        "workflow": f"{WORKFLOWS}orders/change/",
        "start": f"{WORKFLOWS}orders/start/",
        "start as JSON": f"{WORKFLOWS}orders/start/?mode=json",
    }


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__path__[0]) / "axe.min.js").read_text()


def violations(page, axe, within="#content"):
    page.evaluate(axe)
    # What is ours: the header and the sidebar are Django's.
    found = page.evaluate(
        """(within) => axe.run(document.querySelector(within), {
          resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21aa"], preload: false,
        })""",
        within,
    )
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in BAD
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(open_tab, pages, axe, scheme):
    # axe tries out styles of its own.
    tab = open_tab(color_scheme=scheme, bypass_csp=True)
    found = {}

    for name, path in pages.items():
        assert tab.goto(path).ok, name
        found[name] = violations(tab, axe)

    wrong = [f"{name}: {each}" for name, some in found.items() for each in some]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_opens_over_a_page(open_tab, flaky, axe, scheme):
    tab = open_tab(color_scheme=scheme, bypass_csp=True)
    tab.goto(f"{RUNS}{flaky.id}/change/#step=charge")
    tab.locator(".gorkflow-panel").wait_for()
    found = violations(tab, axe, ".gorkflow-panel")
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    found += violations(tab, axe, "#gorkflow-help")

    assert "\n".join(found) == ""


HOSTILE = "</title></pre><img src=x onerror=alert(1)><script>alert(2)</script>"


@step(id=HOSTILE, name=HOSTILE, max_retries=0)
def hostile_step(ctx: StepContext, value: dict[str, str]) -> dict[str, str]:
    ctx.state[HOSTILE] = HOSTILE
    raise ValueError(HOSTILE)


@pytest.fixture
def hostile(transactional_db):
    builder = WorkflowBuilder("hostile", name=HOSTILE, description=HOSTILE)
    workflow = register(builder.then(hostile_step).build())
    yield workflow
    registry.unregister("hostile")


def test_nothing_that_a_run_carries_is_anything_but_text(open_tab, hostile):
    value, more = {HOSTILE: HOSTILE}, {"resource_id": HOSTILE, "started_by": HOSTILE}
    failed = hostile.start(value, tags=value, synchronous=True, **more)
    waiting = hostile.start(value, tags=value, **more)
    failed._engine.cancel(waiting.id, actor=HOSTILE, reason=HOSTILE)
    waiting = hostile.start(value, tags=value, **more)
    tab = open_tab()
    opened = []
    tab.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    link = urlencode({"step": HOSTILE, "view": HOSTILE, "attempt": HOSTILE})

    for path in (
        "/admin/gorkflow/",
        RUNS,
        f"{RUNS}?{urlencode({'q': HOSTILE, 'tag': HOSTILE, 'started_by': HOSTILE})}",
        f"{RUNS}{failed.id}/steps/0/",
        f"{RUNS}{failed.id}/rerun/",
        f"{RUNS}{failed.id}/retry/",
        f"{RUNS}{failed.id}/history/",
        WORKFLOWS,
        f"{WORKFLOWS}hostile/change/",
        f"{WORKFLOWS}hostile/start/",
        f"{RUNS}{failed.id}/change/#{link}",
        f"{RUNS}{waiting.id}/change/#{link}",
    ):
        assert tab.goto(path).ok, path
        assert tab.locator("img[src=x]").count() == 0, path
    # Brought up to date by the script, beside an open step.
    panel = tab.locator(".gorkflow-panel")
    panel.get_by_text("Pending").first.wait_for()
    waiting.cancel(HOSTILE)
    panel.get_by_text("Cancelled").first.wait_for()

    assert tab.get_by_text(HOSTILE).count() > 5
    assert tab.locator("img[src=x]").count() == 0
    assert opened == []


def test_no_page_scrolls_sideways_on_a_phone(open_tab, pages):
    tab = open_tab(390, has_touch=True)
    widths = {}

    for name, path in pages.items():
        tab.goto(path)
        widths[name] = tab.evaluate("document.documentElement.scrollWidth")

    assert {name: width for name, width in widths.items() if width > 390} == {}


def test_every_page_stands_forced_colours_and_reduced_motion(open_tab, pages):
    tab = open_tab(forced_colors="active", reduced_motion="reduce")

    for name, path in pages.items():
        assert tab.goto(path).ok, name


def test_without_scripts_a_run_is_read_and_cancelled(open_tab, failed, waiting):
    tab = open_tab(java_script_enabled=False)
    tab.goto(f"{RUNS}{failed.id}/change/")
    tab.get_by_role("link", name="Charge: Failed, 1 attempt").first.click()
    assert "/steps/1/" in tab.url
    assert tab.get_by_text("alert('declined')").count() >= 1

    tab.goto(f"{RUNS}{waiting.id}/change/")
    tab.get_by_role("link", name="Cancel…").click()
    tab.get_by_label("Reason").fill("no scripts here")
    tab.get_by_role("button", name="Yes, cancel").click()

    assert tab.get_by_text("1 run was cancelled.").count() == 1
    assert waiting.refresh().status == "CANCELLED"


def test_without_scripts_selected_runs_are_cancelled(open_tab, waiting, completed):
    tab = open_tab(java_script_enabled=False)
    tab.goto(RUNS)
    tab.locator(f"input.action-select[value='{waiting.id}']").check()
    tab.locator("select[name=action]").select_option(label="Cancel selected runs…")
    tab.locator(".actions button[name=index]").click()
    tab.get_by_label("Reason").fill("no scripts here either")
    tab.get_by_role("button", name="Yes, cancel").click()

    assert tab.get_by_text("1 run was cancelled.").count() == 1
    assert waiting.refresh().error.message == "no scripts here either"


def test_without_scripts_a_run_is_started(open_tab, orders):
    tab = open_tab(java_script_enabled=False)
    tab.goto(f"{WORKFLOWS}orders/start/")
    tab.get_by_label("Number").fill("7")
    tab.get_by_role("button", name="Start a run").click()

    assert tab.url.endswith("/change/")
    assert WorkflowRun.objects.get().input == {"number": 7, "note": ""}
