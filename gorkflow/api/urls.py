"""The API's URLs: `path("api/", include("gorkflow.api.urls"))`.

A workflow id or step id may hold any character, so it is matched as a path: slashes need no
escaping. The one workflow id that cannot be addressed is one that itself ends in "/runs".
"""

from django.db.transaction import non_atomic_requests
from django.urls import path, re_path

from gorkflow.api.views import bulk, commands, parts, root, runs, stats, workflows
from gorkflow.api.views.base import APP_NAME

app_name = APP_NAME

urlpatterns = [
    path("", root.RootView.as_view(), name="root"),
    path("workflows/", workflows.WorkflowListView.as_view(), name="workflows"),
    path(
        "workflows/<path:workflow_id>/runs/",
        commands.WorkflowRunsView.as_view(),
        name="workflow-runs",
    ),
    path("workflows/<path:workflow_id>/", workflows.WorkflowView.as_view(), name="workflow"),
    path("stats/", stats.StatsView.as_view(), name="stats"),
    path("runs/", runs.RunListView.as_view(), name="runs"),
    # No run has these names for ids. A transaction around all of them would hold their locks.
    path("runs/cancel/", non_atomic_requests(bulk.BulkCancelView.as_view()), name="runs-cancel"),
    path("runs/retry/", non_atomic_requests(bulk.BulkRetryView.as_view()), name="runs-retry"),
    # One that waits must not look at the same snapshot again and again.
    path("runs/<str:run_id>/", non_atomic_requests(runs.RunView.as_view()), name="run"),
    path("runs/<str:run_id>/steps/", parts.RunStepsView.as_view(), name="run-steps"),
    path("runs/<str:run_id>/steps/<path:step_id>/", parts.RunStepView.as_view(), name="run-step"),
    path("runs/<str:run_id>/output/", parts.RunOutputView.as_view(), name="run-output"),
    path("runs/<str:run_id>/state/", parts.RunStateView.as_view(), name="run-state"),
    path("runs/<str:run_id>/graph/", parts.RunGraphView.as_view(), name="run-graph"),
    path("runs/<str:run_id>/events/", parts.RunEventsView.as_view(), name="run-events"),
    path("runs/<str:run_id>/cancel/", commands.CancelView.as_view(), name="run-cancel"),
    path("runs/<str:run_id>/retry/", commands.RetryView.as_view(), name="run-retry"),
    path("runs/<str:run_id>/rerun/", commands.RerunView.as_view(), name="run-rerun"),
    # Those without a slash are left to Django, which may add it.
    re_path(r"^[\s\S]*/$", root.NowhereView.as_view()),
]
