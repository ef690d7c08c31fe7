"""The API's URLs: `path("api/", include("gorkflow.api.urls"))`.

A workflow id may hold any character, so it is matched as a path: slashes need no escaping. The one
id that cannot be addressed is one that itself ends in "/runs".
"""

from django.urls import path

from gorkflow.api.views import commands, runs, workflows

app_name = "gorkflow_api"

urlpatterns = [
    path("workflows/", workflows.WorkflowListView.as_view(), name="workflows"),
    path(
        "workflows/<path:workflow_id>/runs/",
        commands.StartView.as_view(),
        name="workflow-runs",
    ),
    path("workflows/<path:workflow_id>/", workflows.WorkflowView.as_view(), name="workflow"),
    path("runs/", runs.RunListView.as_view(), name="runs"),
    path("runs/<str:run_id>/", runs.RunView.as_view(), name="run"),
    path("runs/<str:run_id>/steps/", runs.RunStepsView.as_view(), name="run-steps"),
    path("runs/<str:run_id>/cancel/", commands.CancelView.as_view(), name="run-cancel"),
    path("runs/<str:run_id>/retry/", commands.RetryView.as_view(), name="run-retry"),
    path("runs/<str:run_id>/rerun/", commands.RerunView.as_view(), name="run-rerun"),
]
