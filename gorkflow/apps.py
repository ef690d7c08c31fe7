"""The Django app: binds the engine, finds workflows, registers checks and the Celery parts."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class GorkflowConfig(AppConfig):
    """Put "gorkflow" into INSTALLED_APPS."""

    name = "gorkflow"
    label = "gorkflow"
    verbose_name = _("Workflows")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make `workflow.start()` find the engine and the engine find the workflows."""
        from gorkflow import celery_worker, tasks  # noqa: F401, PLC0415  they connect themselves
        from gorkflow.checks import check_all  # noqa: PLC0415
        from gorkflow.definition.binding import bind_engine  # noqa: PLC0415
        from gorkflow.dispatch import transports  # noqa: PLC0415
        from gorkflow.errors import ConfigurationError  # noqa: PLC0415
        from gorkflow.settings import get_settings  # noqa: PLC0415
        from gorkflow.wiring import get_engine  # noqa: PLC0415

        transports.register()
        bind_engine(get_engine)
        checks.register(check_all, "gorkflow")
        try:
            module = get_settings().autodiscover
        except ConfigurationError:
            # The system check reports it, in Django's own form.
            return
        autodiscover_modules(module)
