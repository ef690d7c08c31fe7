"""The API's reference as a plain page: the usual viewers need scripts from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

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
