"""From a request to a start: the options, and the payloads in their types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from gorkflow.config import MAX_ACTOR, StartOptions
from gorkflow.definition.codec import Codec
from gorkflow.definition.workflow import Workflow, start_options
from gorkflow.errors import PayloadError

IDEMPOTENCY_KEY = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]+")


def read_start(
    workflow: Workflow[Any, Any], body: Mapping[str, Any], request: Request
) -> tuple[Any, StartOptions]:
    """Return input and options of the run that a request asks for.

    Raises:
        PayloadError: something does not fit; `loc` in its errors begins at the body's root.

    """
    fields = {name: value for name, value in body.items() if name not in {"input", "context"}}
    if body.get("context") is not None:
        fields["context"] = _read(workflow.context_codec, body["context"], "context")
    options = start_options(
        {
            **fields,
            "idempotency_key": _idempotency_key(request),
            "started_by": starter(request),
        }
    )
    return _read(workflow.input_codec, body.get("input"), "input"), options


def starter(request: Request) -> str:
    """Return who the history says has started the run."""
    return str(request.user.get_username())[:MAX_ACTOR]


def _read(codec: Codec[Any], value: Any, name: str) -> Any:
    try:
        # As JSON, not as Python values: a strict type takes a date as text in JSON only.
        return codec.load(json.dumps(value))
    except RecursionError:
        raise PayloadError(f"{name} is nested too deeply") from None
    except PayloadError as error:
        errors = [{**each, "loc": [name, *each["loc"]]} for each in error.errors]
        raise PayloadError(error.message, errors=errors, **error.data) from None


def _idempotency_key(request: Request) -> str | None:
    """Return the header's key; quotes, which the IETF draft wants, may be left out."""
    sent = request.headers.get(IDEMPOTENCY_KEY)
    if sent is None:
        return None
    quoted = len(sent) > 1 and sent[0] == sent[-1] == '"'
    key = sent[1:-1] if quoted else sent
    if not _KEY.fullmatch(key):
        raise PayloadError(f"{IDEMPOTENCY_KEY} must be visible ASCII characters without spaces")
    return key
