"""Makes our broker's URL known to kombu, which loads the rest when somebody uses one."""

from kombu.transport import TRANSPORT_ALIASES


def register() -> None:
    """Make kombu know `sqlitefile://`."""
    TRANSPORT_ALIASES["sqlitefile"] = "gorkflow.dispatch.sqlite_broker:Transport"
