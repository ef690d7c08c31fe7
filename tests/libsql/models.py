"""Tables of these tests: made on each server by the schema editor."""

from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=100, unique=True)
    number = models.IntegerField(default=0)
    data = models.JSONField(null=True)
    blob = models.BinaryField(null=True)
    text = models.TextField(default="")

    class Meta:
        app_label = "libsql_tests"


class Part(models.Model):
    item = models.ForeignKey(Item, models.CASCADE)

    class Meta:
        app_label = "libsql_tests"


class Moment(models.Model):
    at = models.DateTimeField(null=True)
    on = models.DateField(null=True)
    clock = models.TimeField(null=True)
    lasted = models.DurationField(null=True)

    class Meta:
        app_label = "libsql_tests"


ALL = (Item, Part, Moment)
