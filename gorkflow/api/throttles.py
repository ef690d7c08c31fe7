"""How often a user may ask, in scopes that the host can set a rate for."""

from __future__ import annotations

from typing import Any

from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle

READ, START, ACT = "gorkflow_read", "gorkflow_start", "gorkflow_act"
BULK, STATS = "gorkflow_bulk", "gorkflow_stats"

RATES: dict[str, str | None] = {
    READ: None,
    START: None,
    ACT: None,
    BULK: "60/min",
    STATS: "60/min",
}
"""What holds unless the host's DEFAULT_THROTTLE_RATES has the scope; None for no limit. Only what
costs the database much has one: counting starts costs about as much as starting."""


class ApiThrottle(ScopedRateThrottle):
    """Counts a user's requests in the view's `throttle_scope`, beside the host's own throttles."""

    def get_rate(self) -> str | None:
        """Return the scope's rate."""
        rates: dict[str, Any] = {**RATES, **api_settings.DEFAULT_THROTTLE_RATES}
        rate: str | None = rates[str(self.scope)]
        return rate
