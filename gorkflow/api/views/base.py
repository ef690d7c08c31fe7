"""What all views of the API have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gorkflow.api.parsers import JsonBodyParser
from gorkflow.api.permissions import VIEW_PAYLOAD, RunPermission, has_permission
from gorkflow.api.problems import MEDIA_TYPE, problem_response
from gorkflow.engine import Engine
from gorkflow.errors import NotFoundError
from gorkflow.wiring import get_engine


class ApiView(APIView):
    """Acts through the engine, asks for a permission, and answers errors with problems.

    Authentication, renderers and throttles are the host's.
    """

    parser_classes = (JsonBodyParser,)
    permission_classes = (RunPermission,)
    required_permission: ClassVar[str]

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        return get_engine()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return ours, in place of the one in the host's settings."""
        return problem_response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Name a problem's media type, unless it is shown to a person."""
        final = super().finalize_response(request, response, *args, **kwargs)
        if getattr(final, "exception", False) and final.accepted_renderer.format == "json":
            final.content_type = MEDIA_TYPE
        return final

    def may_see_payloads(self) -> bool:
        """Whether the user may see inputs, outputs and what errors say."""
        return has_permission(self.request, VIEW_PAYLOAD)

    def serializer_context(self) -> Mapping[str, Any]:
        """Return what the serializers need to know of the user."""
        return {"with_details": self.may_see_payloads()}


def parse_run_id(text: str) -> UUID:
    """Return the id in a URL. Raises NotFoundError: no run has an id that is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError(f"there is no run {text!r:.80}", run_id=text[:80]) from None
