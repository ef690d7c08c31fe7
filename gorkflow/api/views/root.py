"""Where to begin."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.permissions import VIEW
from gorkflow.api.schema import answers
from gorkflow.api.serializers.root import RootSerializer
from gorkflow.api.views.base import ApiView
from gorkflow.errors import NotFoundError


@extend_schema(exclude=True)
class NowhereView(ApiView):
    """What is at every other URL: nothing."""

    required_permission = VIEW

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so to those who may see runs, whatever was to be done."""
        super().initial(request, *args, **kwargs)
        raise NotFoundError(f"there is nothing at {request.path!r:.220}")


class RootView(ApiView):
    """The API's entrance."""

    required_permission = VIEW

    @extend_schema(operation_id="root", tags=["root"], responses=answers(200, RootSerializer))
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Name the URLs of what there is."""
        names = ("workflows", "runs", "stats")
        return Response({name: self.url_of(name) for name in names})
