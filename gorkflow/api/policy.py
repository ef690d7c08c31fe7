"""Which runs and workflows a request may see: the host's own rules, beside Django's permissions."""

from __future__ import annotations

from functools import lru_cache

from django.core.signals import setting_changed
from django.dispatch import receiver
from rest_framework.request import Request

from gorkflow.queries import RunFilter
from gorkflow.settings import SETTING, get_settings
from gorkflow.wiring import build

EVERYTHING = RunFilter()


class RunPolicy:
    """Lets everybody see all that their permissions allow. Derive from it to narrow that.

    What a policy hides is not found (404), whatever is asked of it.

    Example:
        class TenantPolicy(RunPolicy):
            def runs(self, request):
                return RunFilter(tags={"tenant": request.user.tenant.slug})

    """

    def runs(self, request: Request) -> RunFilter:  # noqa: ARG002
        """Return what the request's runs have in common; all else is hidden.

        Runs that the request starts get the filter's tags and resource id; if they were asked for
        with others, the start is refused (403).
        """
        return EVERYTHING

    def may_use(self, request: Request, workflow_id: str) -> bool:  # noqa: ARG002
        """Whether the request may see the workflow and, with the permission, start runs of it."""
        return True


@lru_cache(maxsize=1)
def get_policy() -> RunPolicy:
    """Return the policy that the settings name. Raises ConfigurationError."""
    policy: RunPolicy = build(get_settings().api_policy, {}, RunPolicy, "API_POLICY")
    return policy


@receiver(setting_changed)
def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == SETTING:
        get_policy.cache_clear()
