"""Swagger UI and Redoc in the demo: at work under their policy, with no other host's help."""

import pytest

from demo_project.orders.workflows import fulfil_order
from gorkflow import register, registry


@pytest.fixture
def demo_pages(settings):
    settings.ROOT_URLCONF = "demo_project.urls"
    registry.unregister(fulfil_order.id)
    register(fulfil_order)


@pytest.mark.usefixtures("demo_pages")
def test_redoc_shows_the_operations_and_their_types(open_tab):
    tab = open_tab()

    tab.goto("/api/docs/redoc/")
    tab.get_by_text("Start a run of the workflow's current version").first.wait_for()

    # With its styles: they are what the nonce is for.
    width = tab.evaluate("document.querySelector('.menu-content').getBoundingClientRect().width")
    assert width < 400


@pytest.mark.usefixtures("demo_pages")
def test_swagger_ui_tries_an_operation_out_as_who_is_logged_in(open_tab):
    tab = open_tab()

    tab.goto("/api/docs/swagger/")
    operation = tab.locator("#operations-workflows-workflows_list")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    with tab.expect_response("**/api/workflows/**") as answered:
        operation.get_by_role("button", name="Execute").click()

    assert answered.value.status == 200
    operation.locator(".response .microlight, .response pre").first.wait_for()


@pytest.mark.usefixtures("demo_pages")
def test_a_run_is_started_from_the_browsable_page_with_the_example_that_it_shows(open_tab):
    # DRF's own page has two style attributes, which the demo's policy leaves out.
    tab = open_tab(errors_are_expected=True)

    tab.goto("/api/workflows/fulfil-order/runs/")
    example = tab.locator("textarea[name=_content]").input_value()
    with tab.expect_response(lambda answer: answer.request.method == "POST") as answered:
        tab.get_by_role("button", name="POST").click()

    assert '"customer": "Ada"' in example
    assert answered.value.status == 202
    tab.get_by_text("HTTP 202 Accepted").wait_for()
