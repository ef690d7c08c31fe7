import pytest
from django.urls import reverse

LIST = "/admin/gorkflow/workflowrun/"


def test_the_list_shows_runs(browser, completed, failed, waiting):
    page = browser("view_workflowrun").get(LIST).content.decode()

    assert "order-1" in page
    assert "3 of 3" in page


def test_page(browser, completed, failed):
    c = browser("view_workflowrun", "view_payload", "cancel_workflowrun", "retry_workflowrun")
    for r in (completed, failed):
        page = c.get(f"{LIST}{r.id}/change/")
        assert page.status_code == 200
        print(page.content.decode())
