"""Who may do what. Every permission is one of the WorkflowRun model."""

from __future__ import annotations

from django.http import HttpRequest

from gorkflow.config import MAX_ACTOR

APP = "gorkflow"


def may_view(request: HttpRequest) -> bool:
    """Whether the user may see runs and workflows."""
    return _has(request, "view_workflowrun")


def may_start(request: HttpRequest) -> bool:
    """Whether the user may start runs."""
    return _has(request, "start_workflowrun")


def may_cancel(request: HttpRequest) -> bool:
    """Whether the user may cancel runs."""
    return _has(request, "cancel_workflowrun")


def may_retry(request: HttpRequest) -> bool:
    """Whether the user may retry and rerun runs."""
    return _has(request, "retry_workflowrun")


def may_see_payloads(request: HttpRequest) -> bool:
    """Whether the user may see inputs, outputs, state and what errors say."""
    return _has(request, "view_payload")


def actor(request: HttpRequest) -> str:
    """Return the name under which histories keep what the user does."""
    return str(request.user.get_username())[:MAX_ACTOR]


def _has(request: HttpRequest, codename: str) -> bool:
    return request.user.is_active and request.user.has_perm(f"{APP}.{codename}")
