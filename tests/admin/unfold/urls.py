"""Two sites: one with what registers itself, one on which a host has put the mixins to use."""

from django.contrib import admin
from django.urls import path

from gorkflow.admin import WorkflowAdminMixin, WorkflowRunAdminMixin, WorkflowRunsMixin
from gorkflow.models import RegisteredWorkflow, WorkflowRun
from tests.shop.models import Entry
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

skin = UnfoldAdminSite(name="skin")


@admin.register(WorkflowRun, site=skin)
class RunAdmin(WorkflowRunAdminMixin, ModelAdmin):
    pass


@admin.register(RegisteredWorkflow, site=skin)
class WorkflowAdmin(WorkflowAdminMixin, ModelAdmin):
    pass


@admin.register(Entry, site=skin)
class EntryAdmin(WorkflowRunsMixin, ModelAdmin):
    pass


urlpatterns = [path("admin/", admin.site.urls), path("skin/", skin.urls)]
