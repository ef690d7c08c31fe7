"""`/` the demo's own pages, `/admin/`, `/api/`."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from demo_project.home.api_pages import api_reference, redoc, redoc_bundle, swagger
from demo_project.home.views import home

urlpatterns = [
    path("", home, name="home"),
    path("reports/", include("demo_project.weather.urls")),
    path("orders/", include("demo_project.orders.urls")),
    # Browsers ask for it on pages that name no icon, as the admin's.
    path("favicon.ico", RedirectView.as_view(url=static("demo/icon.svg"))),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", api_reference, name="api-reference"),
    path("api/docs/swagger/", swagger, name="swagger"),
    path("api/docs/redoc/", redoc, name="redoc"),
    path("api/docs/redoc.js", redoc_bundle, name="redoc-bundle"),
    path("api/", include("gorkflow.api.urls")),
]
