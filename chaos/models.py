"""What atomic steps write."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Effect(models.Model):
    """One execution of an atomic step. Nothing is unique here: two rows would be seen."""

    run_id = models.UUIDField(db_index=True)
    step_id = models.CharField(max_length=200)
    nonce = models.CharField(max_length=32)

    objects: ClassVar[models.Manager[Effect]] = models.Manager()

    class Meta:
        app_label = "chaos"

    def __str__(self) -> str:
        return f"{self.run_id} {self.step_id}"
