"""Saved weather reports. Rows are written once, by the workflow's last step."""

from __future__ import annotations

import calendar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from demo_project.weather.report import span


class WeatherReport(models.Model):
    run_id = models.UUIDField(unique=True)
    """The workflow run that made it; not a foreign key, so that history may be pruned."""
    source = models.CharField(max_length=255)
    first_day = models.DateField()
    last_day = models.DateField()
    day_count = models.PositiveIntegerField()
    missing_days = models.PositiveIntegerField()
    bad_row_count = models.PositiveIntegerField()
    hot_celsius = models.FloatField()
    wave_days = models.PositiveSmallIntegerField()
    wet_day_mm = models.FloatField()
    hot_days = models.PositiveIntegerField()
    wet_days = models.PositiveIntegerField()
    total_mm = models.FloatField()
    mean_wind = models.FloatField()
    summary = models.TextField()
    """One paragraph per line."""
    alert = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.source}, {self.first_day} to {self.last_day}"

    def get_absolute_url(self) -> str:
        return reverse("weather:report", args=[self.pk])

    @property
    def period(self) -> str:
        return span(self.first_day, self.last_day)


class MonthClimate(models.Model):
    report = models.ForeignKey(WeatherReport, on_delete=models.CASCADE, related_name="months")
    month = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    days = models.PositiveIntegerField()
    mean_max = models.FloatField()
    mean_min = models.FloatField()
    record_max = models.FloatField()
    record_min = models.FloatField()
    mean_total_mm = models.FloatField()
    wet_days_share = models.FloatField()

    class Meta:
        ordering = ("month",)
        constraints = (
            models.UniqueConstraint(fields=("report", "month"), name="weather_month_once"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return calendar.month_name[self.month]

    @property
    def short_name(self) -> str:
        return calendar.month_abbr[self.month]


class ExtremeDay(models.Model):
    report = models.ForeignKey(WeatherReport, on_delete=models.CASCADE, related_name="extremes")
    kind = models.CharField(max_length=40)
    date = models.DateField()
    value = models.FloatField()
    unit = models.CharField(max_length=10)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.kind}: {self.value:g} {self.unit}"


class Spell(models.Model):
    class Kind(models.TextChoices):
        HEAT = "heat", "Heat wave"
        WET = "wet", "Wet spell"
        DRY = "dry", "Dry spell"

    report = models.ForeignKey(WeatherReport, on_delete=models.CASCADE, related_name="spells")
    kind = models.CharField(max_length=4, choices=Kind)
    first_day = models.DateField()
    last_day = models.DateField()
    days = models.PositiveIntegerField()
    peak = models.FloatField()
    """Highest temperature of a heat wave; rain in mm of a wet or dry spell."""

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.days} days from {self.first_day}"


class WindDays(models.Model):
    report = models.ForeignKey(WeatherReport, on_delete=models.CASCADE, related_name="wind_days")
    force = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=20)
    days = models.PositiveIntegerField()

    class Meta:
        ordering = ("force",)
        verbose_name_plural = "wind days"

    def __str__(self) -> str:
        return f"force {self.force}: {self.days} days"


class BadRow(models.Model):
    report = models.ForeignKey(WeatherReport, on_delete=models.CASCADE, related_name="bad_rows")
    line = models.PositiveIntegerField()
    reason = models.TextField()
    text = models.CharField(max_length=200)

    class Meta:
        ordering = ("line",)

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
