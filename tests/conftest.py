"""Fixtures for every test: the host's Celery app, and engines that forget between tests."""

import pytest

from tests.celery_app import app


@pytest.fixture(scope="session", autouse=True)
def _celery_app():
    app.set_default()
    return app
