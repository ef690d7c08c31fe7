"""A host that narrows down which runs its users see, by the run admin's `get_queryset`."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import path

from gorkflow.admin import (
    WorkflowAdminMixin,
    WorkflowRunAdminMixin,
    WorkflowRunsMixin,
)
from gorkflow.models import RegisteredWorkflow, WorkflowRun
from tests.admin.flows import Order
from tests.shop.models import Entry


class TenantRunAdmin(WorkflowRunAdminMixin, admin.ModelAdmin):
    def get_queryset(self, request):
        return super().get_queryset(request).tagged({"tenant": request.user.get_username()})


class WorkflowAdmin(WorkflowAdminMixin, admin.ModelAdmin):
    pass


class EntryAdmin(WorkflowRunsMixin, admin.ModelAdmin):
    pass


site = admin.AdminSite(name="tenants")
site.register(WorkflowRun, TenantRunAdmin)
site.register(RegisteredWorkflow, WorkflowAdmin)
site.register(Entry, EntryAdmin)

urlpatterns = [path("admin/", admin.site.urls), path("tenants/", site.urls)]

pytestmark = pytest.mark.urls(__name__)

HERE = "/tenants/gorkflow/"
LIST = f"{HERE}workflowrun/"
ALL = ("view_workflowrun", "view_payload", "cancel_workflowrun", "retry_workflowrun")


@pytest.fixture
def entry(db):
    return Entry.objects.create(name="x")


@pytest.fixture
def mine(orders, entry):
    return orders.start(Order(number=1), tags={"tenant": "ann"}, resource_id=f"entry-{entry.pk}")


@pytest.fixture
def theirs(orders, entry):
    run = orders.start(
        Order(number=2, note="declined"),
        tags={"tenant": "bob"},
        resource_id=f"entry-{entry.pk}",
        synchronous=True,
    )
    assert run.status == "FAILED"
    return run


@pytest.fixture
def ann(client, staff):
    user = staff(*ALL)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="shop"))
    client.force_login(user)
    return client


def test_nothing_of_what_is_hidden_is_on_any_page(ann, mine, theirs, entry):
    for page in ("", "workflowrun/", "registeredworkflow/orders/change/"):
        text = ann.get(HERE + page).content.decode()
        assert str(mine.id) in text or not page, page
        assert str(theirs.id) not in text, page
        assert "alert(" not in text, page
    related = ann.get(f"/tenants/shop/entry/{entry.pk}/change/").content.decode()
    assert str(mine.id) in related
    assert str(theirs.id) not in related


def test_counts_and_figures_leave_it_out(ann, mine, theirs):
    dashboard = ann.get(HERE).content.decode()
    workflows = ann.get(f"{HERE}registeredworkflow/").content.decode()

    assert "?status=PENDING&amp;created=24h" in dashboard
    assert "?status=FAILED&amp;created=24h" not in dashboard
    assert "</svg>Pending</span> 1" in workflows
    assert "</svg>Failed</span>" not in workflows


@pytest.mark.parametrize(
    "path",
    ["change/", "live/", "steps/1/", "input.json", "cancel/", "retry/", "rerun/", "history/"],
)
def test_it_is_not_there_for_any_page_of_its_own(ann, mine, theirs, path):
    assert ann.get(f"{LIST}{theirs.id}/{path}").status_code in {302, 404}
    assert ann.get(f"{LIST}{theirs.id}/{path}").get("Location", LIST) in {LIST, "/tenants/"}


@pytest.mark.parametrize("path", ["retry/", "rerun/"])
def test_nor_for_any_act(ann, mine, theirs, path):
    ann.post(f"{LIST}{theirs.id}/{path}", {"reason": ""})
    chosen = {"_selected_action": [str(mine.id), str(theirs.id)], "select_across": "1"}
    ann.post(LIST, {**chosen, "action": f"{path[:-1]}_runs", "confirmed": "1", "reason": ""})

    assert theirs.refresh().status == "FAILED"
    assert not WorkflowRun.objects.filter(rerun_of=theirs.id).exists()
