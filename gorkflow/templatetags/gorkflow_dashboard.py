"""The dashboard, for the admin's page of the app, to which no view of ours leads."""

from __future__ import annotations

from typing import Any

from django import template

from gorkflow.admin import permissions
from gorkflow.admin.dashboard import Dashboard

register = template.Library()


@register.inclusion_tag("admin/gorkflow/dashboard.html", takes_context=True)
def gorkflow_dashboard(context: dict[str, Any]) -> dict[str, Any]:
    """Show the dashboard to those who may see runs, and nothing to others."""
    request = context["request"]
    return Dashboard(request).context() if permissions.may_view(request) else {}
