"""Who may do what: Django's model permissions, asked for reading too."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

APP = "gorkflow"

VIEW = "view_workflowrun"
START = "start_workflowrun"
CANCEL = "cancel_workflowrun"
RETRY = "retry_workflowrun"
VIEW_PAYLOAD = "view_payload"


def has_permission(request: Request, codename: str) -> bool:
    """Whether the user has one of the permissions above."""
    return bool(request.user and request.user.has_perm(f"{APP}.{codename}"))


class RunPermission(BasePermission):
    """Lets in users who have the permission that the view requires."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may go on."""
        return has_permission(request, view.permission_for(request.method or ""))
