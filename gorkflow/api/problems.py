"""Errors as RFC 9457 problem details, with Gorkflow's stable codes.

Bound to our own views alone: the host's exception handler stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.utils.log import log_response
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from gorkflow.api.parsers import too_large_for_django
from gorkflow.errors import ErrorCode, GorkflowError, PayloadError
from gorkflow.wiring import get_engine

MEDIA_TYPE = "application/problem+json"

HTTP_STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.VALIDATION_ERROR: status.HTTP_422_UNPROCESSABLE_ENTITY,
    ErrorCode.NOT_FOUND: status.HTTP_404_NOT_FOUND,
    ErrorCode.CONCURRENCY_LIMIT: status.HTTP_409_CONFLICT,
    ErrorCode.IDEMPOTENCY_CONFLICT: status.HTTP_422_UNPROCESSABLE_ENTITY,
    ErrorCode.INVALID_STATE: status.HTTP_409_CONFLICT,
}
"""What a caller can do something about. Every other code is our fault."""

MEMBERS = {"run_id": "run_id", "status": "run_status"}
"""What of an error's data a problem tells. RFC 9457 has its own "status"."""


UNAVAILABLE = "UNAVAILABLE"
RETRY_SOON = {"Retry-After": "2"}


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an exception of a view; None leaves it to Django."""
    if isinstance(error, GorkflowError) and error.code in HTTP_STATUS:
        return _of_ours(error, context)
    if isinstance(error, RequestDataTooBig):
        # Django read the body, in search of a form's CSRF token.
        error = too_large_for_django()
    # DRF's own handler knows the headers that go with each of its errors.
    response = exception_handler(error, context)
    if response is None:
        return _our_fault(error, context)
    members: dict[str, Any] = {}
    code, detail = _code(error, response.status_code), _detail(response.data)
    if isinstance(error, ValidationError):
        code = ErrorCode.VALIDATION_ERROR
        members["errors"] = list(_field_errors(error.detail))
        detail = _summary(members["errors"])
        response.status_code = HTTP_STATUS[code]
    response.data = _problem(code, response.status_code, detail, context, members)
    return response


def _our_fault(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer with a problem, and report the exception as Django does; it has no page for programs.

    While somebody develops it is Django's, with all that it shows then.
    """
    if settings.DEBUG or settings.DEBUG_PROPAGATE_EXCEPTIONS:
        return None
    set_rollback()
    # DRF's own request has no place in what listeners know.
    request = context["request"]._request  # noqa: SLF001
    got_request_exception.send(sender=None, request=request)
    if get_engine().store.is_transient(error):
        problem = _problem(UNAVAILABLE, 503, "The database does not answer now.", context, {})
        response = Response(problem, status=503, headers=RETRY_SOON)
    else:
        code, detail = ErrorCode.INTERNAL_ERROR, "Something failed on the server."
        response = Response(_problem(code, 500, detail, context, {}), status=500)
    log_response(
        "%s: %s",
        response.status_text,
        request.path,
        response=response,
        request=request,
        exception=error,
    )
    return response


def _of_ours(error: GorkflowError, context: Mapping[str, Any]) -> Response:
    http_status = HTTP_STATUS[error.code]
    set_rollback()
    members = {name: error.data[key] for key, name in MEMBERS.items() if key in error.data}
    if isinstance(error, PayloadError):
        members["errors"] = error.errors
    return Response(
        _problem(error.code, http_status, error.message, context, members), status=http_status
    )


def _problem(
    code: str,
    http_status: int,
    detail: str,
    context: Mapping[str, Any],
    members: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "type": f"urn:gorkflow:problem:{code.lower().replace('_', '-')}",
        "title": code.replace("_", " ").capitalize(),
        "status": http_status,
        "detail": detail,
        "instance": context["request"].path,
        "code": str(code),
        **members,
    }


def _code(error: Exception, http_status: int) -> str:
    if http_status == status.HTTP_404_NOT_FOUND:
        return ErrorCode.NOT_FOUND
    default = error.default_code if isinstance(error, APIException) else "permission_denied"
    return str(default).upper()


def _detail(data: Any) -> str:
    return str(data.get("detail", "")) if isinstance(data, Mapping) else str(data)


def _field_errors(detail: Any, loc: tuple[str | int, ...] = ()) -> Iterator[dict[str, Any]]:
    """Flatten DRF's nested errors into the shape that pydantic's have."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = () if name == "non_field_errors" else (name,)
            yield from _field_errors(inner, (*loc, *step))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, loc)
    else:
        # A form's error may have no code.
        kind = getattr(detail, "code", None) or "invalid"
        yield {"loc": list(loc), "msg": str(detail), "type": kind}


def _summary(errors: list[dict[str, Any]]) -> str:
    first = errors[0]
    where = ".".join(map(str, first["loc"]))
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first['msg']}{more}" if where else f"{first['msg']}{more}"
