"""What all views of the API have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from django.urls import reverse
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from gorkflow.api.access import Access
from gorkflow.api.conditional import make_conditional
from gorkflow.api.parsers import JsonBodyParser, refuse_unreadable
from gorkflow.api.permissions import VIEW_PAYLOAD, RunPermission, has_permission
from gorkflow.api.policy import get_policy
from gorkflow.api.problems import MEDIA_TYPE, problem_response
from gorkflow.api.throttles import READ, ApiThrottle
from gorkflow.engine import Engine
from gorkflow.errors import WorkflowError
from gorkflow.wiring import get_engine

APP_NAME = "gorkflow_api"


class ApiView(APIView):
    """Acts through the engine, asks for a permission, and answers errors with problems.

    Authentication and renderers are the host's, and so are throttles beside our scopes.
    """

    parser_classes = (JsonBodyParser,)
    permission_classes = (RunPermission,)
    required_permission: ClassVar[str]
    throttle_scope: str = READ

    def permission_for(self, method: str) -> str:  # noqa: ARG002  for views of several methods
        """Return the permission that a request with the method needs."""
        return self.required_permission

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        return get_engine()

    @cached_property
    def access(self) -> Access:
        """The runs and workflows that the request may see."""
        return Access(self.engine, self.request, get_policy())

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the host's throttles and ours."""
        return [*super().get_throttles(), ApiThrottle()]

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return ours, in place of the one in the host's settings."""
        return problem_response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may, with a body that may be read."""
        super().initial(request, *args, **kwargs)
        refuse_unreadable(request)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an error, silent about runs that are hidden."""
        if isinstance(exc, WorkflowError):
            exc = self.access.censored(exc)
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Name a problem's media type, and an answer's version, unless a person reads it."""
        final = super().finalize_response(request, response, *args, **kwargs)
        if getattr(final, "accepted_renderer", None) is None:
            return final
        if final.accepted_renderer.format != "api" and getattr(final, "exception", False):
            final.accepted_renderer = JSONRenderer()
            final.content_type = MEDIA_TYPE
        elif final.accepted_renderer.format != "api" and request.method in {"GET", "HEAD"}:
            make_conditional(request, final)
        return final

    def url_of(self, name: str, *args: object) -> str:
        """Return the absolute URL of one of our views, wherever the host has mounted them."""
        match = self.request.resolver_match
        path = reverse(
            f"{APP_NAME}:{name}", args=args, current_app=match.namespace if match else None
        )
        return str(self.request.build_absolute_uri(path))

    def may_see_payloads(self) -> bool:
        """Whether the user may see inputs, outputs and what errors say."""
        return has_permission(self.request, VIEW_PAYLOAD)

    def require_payloads(self) -> None:
        """Raise PermissionDenied unless the user may see inputs and outputs."""
        if not self.may_see_payloads():
            raise PermissionDenied

    def serializer_context(self) -> Mapping[str, Any]:
        """Return what the serializers need to know of the user."""
        return {"with_details": self.may_see_payloads()}
