"""The Django admin: find runs, see what they did, and steer them through the engine."""

from gorkflow.admin.runs import (
    WorkflowAdmin,
    WorkflowAdminMixin,
    WorkflowRunAdmin,
    WorkflowRunAdminMixin,
)

__all__ = ["WorkflowAdmin", "WorkflowAdminMixin", "WorkflowRunAdmin", "WorkflowRunAdminMixin"]
