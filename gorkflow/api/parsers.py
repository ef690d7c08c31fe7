"""Request bodies: JSON alone, and no more of it than is allowed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

from gorkflow.settings import get_settings

REST = 64 * 1024
"""Bytes for what is in a body beside payloads."""


class BodyTooLarge(APIException):
    """The body has more bytes than are read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "request_too_large"


def max_body_bytes() -> int:
    """Return how long a body may be: an input and a context of the largest size fit by default."""
    settings = get_settings()
    return settings.api_max_body_bytes or 2 * settings.engine.max_payload_bytes + REST


def refuse_large(length: int) -> None:
    """Raise BodyTooLarge if a body of that length is."""
    limit = max_body_bytes()
    if length > limit:
        raise BodyTooLarge(f"A body may have {limit:,} bytes.")


class JsonBodyParser(JSONParser):
    """JSON, and a client's error where it is too long or nested too deeply."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body's value. Raises ParseError and BodyTooLarge."""
        # Older DRF hands out the request's own stream, of which Django's limit knows nothing.
        limit = max_body_bytes()
        body = stream.read(limit + 1)
        refuse_large(len(body))
        # JSON is UTF-8. Some charsets that a client may name unpack what they read, without end.
        context = {**(parser_context or {}), "encoding": "utf-8"}
        try:
            return super().parse(io.BytesIO(body), media_type, context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
