from django.db import models


class Entry(models.Model):
    """Something that a step writes, so that tests can count what was committed."""

    name = models.CharField(max_length=100)

    class Meta:
        app_label = "shop"
