"""Request bodies: JSON alone, and no more of it than is allowed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings as django_settings
from django.http import HttpRequest
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import JSONRenderer

from gorkflow.settings import get_settings

REST = 64 * 1024
"""Bytes for what is in a body beside payloads."""


class BodyTooLarge(APIException):
    """The body has more bytes than are read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "request_too_large"


class LengthRequired(APIException):
    """The body comes in chunks, of which DRF would read nothing."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_code = "length_required"
    default_detail = "Send Content-Length: a body that comes in chunks is not read."


def max_body_bytes() -> int:
    """Return how long a body may be: an input and a context of the largest size fit by default."""
    settings = get_settings()
    return settings.api_max_body_bytes or 2 * settings.engine.max_payload_bytes + REST


def refuse_large(length: int) -> None:
    """Raise BodyTooLarge if a body of that length is."""
    limit = max_body_bytes()
    if length > limit:
        raise BodyTooLarge(f"A body may have {limit:,} bytes (API_MAX_BODY_BYTES).")


def too_large_for_django() -> BodyTooLarge:
    """Return the error for a body that Django has read itself: for a middleware, or as a form."""
    limit = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return BodyTooLarge(
        f"A body may have {limit:,} bytes where it is read before it gets here"
        " (DATA_UPLOAD_MAX_MEMORY_SIZE)."
    )


def refuse_unreadable(request: HttpRequest) -> None:
    """Raise BodyTooLarge or LengthRequired for a body that need not be looked at."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if length.isascii() and length.isdigit():
        refuse_large(int(length[:20]))
    elif request.META.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired


class JsonBodyParser(BaseParser):
    """JSON, and a client's error where it is too long or nested too deeply.

    It is no JSONParser: such a one DRF gives only what DATA_UPLOAD_MAX_MEMORY_SIZE lets through,
    which is meant for forms and is less than a payload may have.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body's value. Raises ParseError and BodyTooLarge."""
        limit = max_body_bytes()
        body = stream.read(limit + 1)
        refuse_large(len(body))
        # JSON is UTF-8. Some charsets that a client may name unpack what they read, without end.
        context = {**(parser_context or {}), "encoding": "utf-8"}
        try:
            return JSONParser().parse(io.BytesIO(body), media_type, context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
