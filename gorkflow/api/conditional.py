"""ETags: a client that has an answer already is told so, instead of getting it again."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from rest_framework.request import Request
from rest_framework.response import Response


def make_conditional(request: Request, response: Response) -> None:
    """Let the answer, once it is rendered, be compared with what the client has."""
    patch_cache_control(response, private=True, no_cache=True)
    response.add_post_render_callback(partial(_compare, request))


def etag_of(content: bytes) -> str:
    """Return the tag of an answer's content."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def rendered(request: Request, data: Any) -> bytes:
    """Return what an answer with the data will hold."""
    # What content negotiation has settled; DRF's types do not know it.
    asked: Any = request
    content: bytes = asked.accepted_renderer.render(data, asked.accepted_media_type, {})
    return content


def is_rendered_as(request: Request, name: str) -> bool:
    """Whether the client wants the answer in a format ("svg")."""
    asked: Any = request
    return bool(asked.accepted_renderer.format == name)


def _compare(request: Request, response: Response) -> HttpResponse | None:
    tag = etag_of(response.content)
    response["ETag"] = tag
    # The host's Django request: its own helper reads the headers.
    answer = get_conditional_response(request._request, etag=tag, response=response)  # noqa: SLF001
    return None if answer is response else answer
