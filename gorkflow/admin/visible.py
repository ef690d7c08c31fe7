"""The runs that a request may see: the host narrows them down in its run admin's `get_queryset`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import all_sites
from django.http import HttpRequest

from gorkflow.models import WorkflowRun
from gorkflow.models.querysets import RunQuerySet
from gorkflow.queries import RunFilter, RunStats
from gorkflow.stores.orm.listing import figures_of, filter_runs
from gorkflow.wiring import get_engine


def using() -> str | None:
    """Return the database that the engine uses; None where its store is another."""
    return getattr(get_engine().store, "using", None)


def site_of(request: HttpRequest) -> admin.AdminSite:
    """Return the site on which the request is."""
    name = getattr(request, "current_app", None)
    return next((site for site in all_sites if site.name == name), admin.site)


def visible_runs(request: HttpRequest, site: admin.AdminSite) -> RunQuerySet:
    """Return what the site's run admin lists for the request; all runs where it has none."""
    if not site.is_registered(WorkflowRun):
        return WorkflowRun.objects.using(using()).without_payloads()
    run_admin: Any = site.get_model_admin(WorkflowRun)
    found: RunQuerySet = run_admin.get_queryset(request)
    return found


def visible_figures(request: HttpRequest, site: admin.AdminSite, wanted: RunFilter) -> RunStats:
    """Return figures on the runs among them that the filter lets through."""
    return figures_of(filter_runs(visible_runs(request, site), wanted))
