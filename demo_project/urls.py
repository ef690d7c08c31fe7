"""`/` the demo's own pages, `/admin/`, `/api/`."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from demo_project.home.views import home

urlpatterns = [
    path("", home, name="home"),
    path("reports/", include("demo_project.weather.urls")),
    path("orders/", include("demo_project.orders.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/", include("gorkflow.api.urls")),
]
