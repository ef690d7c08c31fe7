"""What the OpenAPI document says of several operations alike."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from gorkflow.api.problems import MEDIA_TYPE
from gorkflow.api.serializers.problems import ProblemSerializer

RUN_ID = OpenApiParameter("run_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
WORKFLOW_ID = OpenApiParameter(
    "workflow_id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="Percent-encoded; slashes may be left as they are.",
)

NOT_MODIFIED = 304
MEANINGS = {
    400: "The body is not JSON.",
    401: "Who are you?",
    403: "You may not do this.",
    404: "There is no such thing.",
    409: "The state of things does not allow it.",
    413: "The body is too large.",
    422: "Something in the request is not valid.",
    429: "Too often; Retry-After says when again.",
    500: "Something failed on the server.",
    503: "The database does not answer now; Retry-After says when again.",
}


def answers(status: int, shape: Any, *others: int) -> dict[Any, Any]:
    """Return the responses of an operation: its success, its problems, and those of every one."""
    responses: dict[Any, Any] = {
        # With its media type, as the others: drf-spectacular takes the first key in order of text
        # for the one that says whether the operation is a list.
        (status, "application/json"): shape
    }
    for other in sorted({401, 403, 429, 500, 503, *others}):
        if other == NOT_MODIFIED:
            responses[other] = OpenApiResponse(description="You have it already.")
        else:
            responses[other, MEDIA_TYPE] = OpenApiResponse(ProblemSerializer, MEANINGS[other])
    return responses
