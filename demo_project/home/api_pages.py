"""The API's reference: as a plain page, and in two viewers whose files are all our own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.generators import SchemaGenerator

POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
"""The viewers have their icons in data URLs; no script and no style is inline all the same."""

REDOC = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
NO_NONCE, OWN_NONCE = ".nc=void 0", ".nc=document.currentScript.nonce"

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    method: str
    path: str
    summary: str
    parameters: str
    """Names of what may be asked for in the query string."""

    @property
    def is_page(self) -> bool:
        """Whether a browser can go there as it stands."""
        return self.method == "GET" and "{" not in self.path


def api_reference(request: HttpRequest) -> HttpResponse:
    generator: Any = SchemaGenerator  # it has no types
    schema = generator().get_schema(request=None, public=True)
    context = {
        "section": "api",
        "operations": list(_operations(schema)),
        "origin": f"{request.scheme}://{request.get_host()}",
    }
    return render(request, "api_reference.html", context)


@ensure_csrf_cookie
def swagger(request: HttpRequest) -> HttpResponse:
    response = render(request, "swagger.html")
    response["Content-Security-Policy"] = POLICY
    return response


def redoc(request: HttpRequest) -> HttpResponse:
    nonce = secrets.token_urlsafe(16)
    response = render(request, "redoc.html", {"nonce": nonce})
    response["Content-Security-Policy"] = f"{POLICY}; style-src 'self' 'nonce-{nonce}'"
    return response


@cache_control(max_age=3600)
def redoc_bundle(_request: HttpRequest) -> HttpResponse:
    """Redoc's script, without the picture that it would fetch from elsewhere.

    Its styles get the nonce of its script element: the first ones come before it takes options.
    """
    return HttpResponse(_redoc_bundle(), content_type="text/javascript; charset=utf-8")


@cache
def _redoc_bundle() -> str:
    text = Path(cast("str", finders.find(REDOC))).read_text(encoding="utf-8")
    return text.replace(LOGO, "data:,").replace(NO_NONCE, OWN_NONCE)


def _operations(schema: dict[str, Any]) -> Iterator[Operation]:
    for path, by_method in schema["paths"].items():
        for method in METHODS:
            if method in by_method:
                yield _operation(method, path, by_method[method])


def _operation(method: str, path: str, found: dict[str, Any]) -> Operation:
    described = found.get("summary") or found.get("description", "")
    queries = [each["name"] for each in found.get("parameters", ()) if each["in"] == "query"]
    return Operation(
        method=method.upper(),
        path=path,
        summary=described.strip().partition("\n\n")[0],
        parameters=", ".join(queries),
    )
