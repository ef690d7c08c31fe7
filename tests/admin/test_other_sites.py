"""The run admin on an admin site of another name, under another class."""

import subprocess
import sys

import pytest
from django.contrib import admin
from django.urls import path

from gorkflow.admin import WorkflowRunAdminMixin
from gorkflow.models import WorkflowRun


class OpsSite(admin.AdminSite):
    pass


class OpsRunAdmin(WorkflowRunAdminMixin, admin.ModelAdmin):
    pass


ops = OpsSite(name="ops")
ops.register(WorkflowRun, OpsRunAdmin)

urlpatterns = [path("admin/", admin.site.urls), path("ops/", ops.urls)]

pytestmark = pytest.mark.urls(__name__)

LIST = "/ops/gorkflow/workflowrun/"


def test_links_and_redirects_stay_on_the_site(browser, waiting):
    client = browser("view_workflowrun", "cancel_workflowrun")

    page = client.get(f"{LIST}{waiting.id}/change/").content.decode()
    response = client.post(f"{LIST}{waiting.id}/cancel/")

    assert f"{LIST}{waiting.id}/cancel/" in page
    assert 'href="/admin/' not in page
    assert response.url == f"{LIST}{waiting.id}/change/"
    assert waiting.refresh().status == "CANCELLED"


def test_the_system_check_finds_nothing(db):
    assert OpsRunAdmin(WorkflowRun, ops).check() == []


ASKED = """
import django
from django.conf import settings

from tests import settings as usual

names = {name: getattr(usual, name) for name in dir(usual) if name.isupper()}
settings.configure(**{**names, "GORKFLOW": {"ADMIN": False}})
django.setup()
from django.contrib import admin

print([model.__name__ for model in admin.site._registry if model._meta.app_label == "gorkflow"])
"""


def test_a_setting_leaves_the_registration_to_the_host():
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASKED],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.stdout.splitlines()[-1:] == ["[]"], ended.stderr
