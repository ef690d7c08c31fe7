"""Runs on the admin page of the host's own model."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import path

from gorkflow.admin import WorkflowRunAdmin, WorkflowRunsMixin
from gorkflow.models import WorkflowRun
from tests.admin.flows import Order
from tests.shop.models import Entry


class EntryAdmin(WorkflowRunsMixin, admin.ModelAdmin):
    workflow_runs_shown = 2


class OwnIdAdmin(WorkflowRunsMixin, admin.ModelAdmin):
    fieldsets = [("Own", {"fields": ["name"]})]

    def get_resource_id(self, obj):
        return f"entry of {obj.name}"


site, own_site, bare = (admin.AdminSite(name=name) for name in ("host", "own", "bare"))
site.register(Entry, EntryAdmin)
site.register(WorkflowRun, WorkflowRunAdmin)
own_site.register(Entry, OwnIdAdmin)
own_site.register(WorkflowRun, WorkflowRunAdmin)
bare.register(Entry, EntryAdmin)

urlpatterns = [path(f"{each.name}/", each.urls) for each in (site, own_site, bare)]

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def entry(db):
    return Entry.objects.create(name="<b>x</b>")


@pytest.fixture
def host(client, staff):
    def login(*codenames):
        user = staff(*codenames)
        user.user_permissions.add(*Permission.objects.filter(content_type__app_label="shop"))
        client.force_login(user)
        return client

    return login


def change(client, entry, on="host"):
    return client.get(f"/{on}/shop/entry/{entry.pk}/change/").content.decode()


def test_an_objects_runs_are_on_its_page_with_links(host, entry, orders):
    run = orders.start(Order(number=1), resource_id=f"entry-{entry.pk}", synchronous=True)
    other = orders.start(Order(number=1), resource_id="entry-0")

    page = change(host("view_workflowrun"), entry)

    assert f'href="/host/gorkflow/workflowrun/{run.id}/change/"' in page
    assert "</svg>Completed" in page
    assert str(other.id) not in page
    assert "gorkflow/admin.css" in page


def test_only_the_newest_are_shown_with_a_link_to_all(host, entry, orders):
    for number in range(1, 4):
        orders.start(Order(number=number), resource_id=f"entry-{entry.pk}")

    client = host("view_workflowrun")
    page = change(client, entry)

    assert page.count('/change/">orders</a>') == 2
    url = f"/host/gorkflow/workflowrun/?resource_id=entry-{entry.pk}"
    assert f'href="{url}"' in page
    assert client.get(url).context["cl"].result_count == 3


def test_the_resource_id_may_be_the_hosts_own(host, entry, orders):
    run = orders.start(Order(number=1), resource_id="entry of <b>x</b>")

    page = change(host("view_workflowrun"), entry, on="own")

    assert str(run.id) in page


def test_without_runs_it_says_what_it_looked_for(host, entry):
    page = change(host("view_workflowrun"), entry, on="own")

    assert "No run has the resource id entry of &lt;b&gt;x&lt;/b&gt;." in page


def test_those_who_may_not_see_runs_see_none(host, entry, orders):
    orders.start(Order(number=1), resource_id=f"entry-{entry.pk}")

    assert "Workflow runs" not in change(host(), entry)


def test_a_site_without_the_run_admin_shows_them_without_links(host, entry, orders):
    orders.start(Order(number=1), resource_id=f"entry-{entry.pk}")

    page = change(host("view_workflowrun"), entry, on="bare")

    assert "</svg>Pending" in page
    assert "workflowrun" not in page.partition("gorkflow-related")[2].partition("</table>")[0]


def test_adding_and_saving_an_object_work_as_before(host, entry):
    client = host("view_workflowrun")

    assert client.get("/host/shop/entry/add/").status_code == 200
    client.post(f"/host/shop/entry/{entry.pk}/change/", {"name": "new"})

    entry.refresh_from_db()
    assert entry.name == "new"


def test_the_system_check_finds_nothing(db):
    assert EntryAdmin(Entry, site).check() == []
