"""Pages of runs by cursor: they stay stable while runs are added, and the last is as quick as
the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from gorkflow.queries import RunFilter, RunPage

CURSOR, SIZE = "cursor", "page_size"
PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
MAX_WITH_PAYLOADS = 20
"""Runs on a page that has payloads, which may be megabytes each."""


class RunPagination(BasePagination):
    """Reads `cursor` and `page_size`, and links to the page after."""

    def narrow(self, request: Request, wanted: RunFilter) -> RunFilter:
        """Return the filter for the page that the request asks for."""
        cursor = request.query_params.get(CURSOR) or None
        size = page_size(request.query_params)
        if wanted.payloads:
            size = min(size, MAX_WITH_PAYLOADS)
        return replace(wanted, limit=size, cursor=cursor)

    def body(self, request: Request, page: RunPage, results: Any) -> dict[str, Any]:
        """Return the page's body."""
        following = None
        if page.next_cursor is not None:
            following = next_url(request, page.next_cursor)
        return {"next": following, "results": results}

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page."""
        url = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {**url, "description": "The page after; null on the last."},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """Describe the query parameters."""
        size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE}
        return [
            _query(CURSOR, "As in `next` of the page before.", {"type": "string"}),
            _query(SIZE, "Runs on a page.", size),
        ]


def page_size(params: Mapping[str, str]) -> int:
    """Return the size that is asked for, as far as it makes sense."""
    asked = params.get(SIZE, "")
    if not (asked.isascii() and asked.isdigit()) or len(asked) > len(str(MAX_PAGE_SIZE)):
        return PAGE_SIZE
    return min(max(int(asked), 1), MAX_PAGE_SIZE)


def next_url(request: Request, cursor: str) -> str:
    """Return the URL of the page after."""
    return str(replace_query_param(request.build_absolute_uri(), CURSOR, cursor))


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
