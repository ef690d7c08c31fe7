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

MEANINGS = {
    400: "The body is not JSON.",
    401: "Who are you?",
    403: "You may not do this.",
    404: "There is no such thing.",
    409: "The state of things does not allow it.",
    422: "Something in the request is not valid.",
}


def answers(status: int, shape: Any, *problems: int) -> dict[Any, Any]:
    """Return the responses of an operation: its success, its problems, and those of every one."""
    return {
        # With its media type, as the others: drf-spectacular takes the first key in order of text
        # for the one that says whether the operation is a list.
        (status, "application/json"): shape,
        **{
            (problem, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, MEANINGS[problem])
            for problem in sorted({401, 403, *problems})
        },
    }
