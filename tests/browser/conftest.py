"""A Chromium of the system's, and contexts in it that notice what a page must not do."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gorkflow import register, registry
from screenshots.chromium import ARGUMENTS
from tests.admin.flows import Order, order_workflow

PATIENCE = 20_000
"""Milliseconds."""

# The event says which directive a page broke; the console would only do so in some cases.
WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.django_db(transaction=True))


def missing(what):
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI needs it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium():
    """The browser of the system; never one that is downloaded."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: pip install --group browser")
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    path = os.environ.get("CHROMIUM") or next(filter(None, found), None)
    if path is None:
        missing("there is no Chromium: apt-get install chromium")
    # Playwright leaves an event loop in this thread, and Django then refuses its database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def admin(transactional_db):
    return User.objects.create_superuser("ann", password="pw")


@pytest.fixture
def open_tab(chromium, live_server, admin):
    """Return a function that opens a tab in which the admin is logged in.

    The test fails if a page of it broke its content security policy, threw an error, wrote one to
    the console or asked another host for anything.
    """
    contexts, problems = [], []
    host = urlsplit(live_server.url).netloc
    client = Client()
    client.force_login(admin)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}

    def check_host(route):
        if urlsplit(route.request.url).netloc in {host, ""}:
            route.continue_()
        else:
            problems.append(f"asked {route.request.url}")
            route.abort()

    def note(message):
        if message.type == "error":
            problems.append(f"{message.text} ({message.location.get('url', '')})")

    def open_it(width=1280, *, errors_are_expected=False, **options):
        context = chromium.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 800}, **options
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{**cookie, "url": live_server.url}])
        context.add_init_script(WATCH)
        context.route("**/*", check_host)
        page = context.new_page()
        if not errors_are_expected:
            page.on("console", note)
            page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def orders():
    workflow = register(order_workflow())
    yield workflow
    registry.unregister(workflow.id)


@pytest.fixture
def completed(orders, transactional_db):
    return orders.start(
        Order(number=1), resource_id="order-1", tags={"tenant": "acme"}, synchronous=True
    )


@pytest.fixture
def flaky(orders, transactional_db):
    return orders.start(Order(number=2, note="flaky"), synchronous=True)


@pytest.fixture
def failed(orders, transactional_db):
    return orders.start(Order(number=3, note="declined"), synchronous=True)


@pytest.fixture
def waiting(orders, transactional_db):
    return orders.start(Order(number=4))
