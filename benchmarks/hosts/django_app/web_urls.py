"""The API, and nothing else."""

from django.urls import include, path

urlpatterns = [path("api/", include("gorkflow.api.urls"))]
