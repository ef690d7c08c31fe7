"""The Django admin: find runs, see what they did, and steer them through the engine."""

from gorkflow.admin.runs import WorkflowRunAdmin, WorkflowRunAdminMixin

__all__ = ["WorkflowRunAdmin", "WorkflowRunAdminMixin"]
