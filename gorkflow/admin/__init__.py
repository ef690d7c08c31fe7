"""The Django admin: find runs, see what they did, and steer them through the engine."""

from gorkflow.admin.related import WorkflowRunsMixin
from gorkflow.admin.runs import WorkflowAdmin, WorkflowRunAdmin, WorkflowRunAdminMixin
from gorkflow.admin.workflows import WorkflowAdminMixin

__all__ = [
    "WorkflowAdmin",
    "WorkflowAdminMixin",
    "WorkflowRunAdmin",
    "WorkflowRunAdminMixin",
    "WorkflowRunsMixin",
]
