"""The saved weather reports."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="WeatherReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run_id", models.UUIDField(unique=True)),
                ("source", models.CharField(max_length=255)),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("day_count", models.PositiveIntegerField()),
                ("missing_days", models.PositiveIntegerField()),
                ("bad_row_count", models.PositiveIntegerField()),
                ("hot_celsius", models.FloatField()),
                ("wave_days", models.PositiveSmallIntegerField()),
                ("wet_day_mm", models.FloatField()),
                ("hot_days", models.PositiveIntegerField()),
                ("wet_days", models.PositiveIntegerField()),
                ("total_mm", models.FloatField()),
                ("mean_wind", models.FloatField()),
                ("summary", models.TextField()),
                ("alert", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={
                "ordering": ("-created_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="Spell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("heat", "Heat wave"), ("wet", "Wet spell"), ("dry", "Dry spell")],
                        max_length=4,
                    ),
                ),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("days", models.PositiveIntegerField()),
                ("peak", models.FloatField()),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spells",
                        to="weather.weatherreport",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="ExtremeDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("date", models.DateField()),
                ("value", models.FloatField()),
                ("unit", models.CharField(max_length=10)),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="extremes",
                        to="weather.weatherreport",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="BadRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                ("reason", models.TextField()),
                ("text", models.CharField(max_length=200)),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bad_rows",
                        to="weather.weatherreport",
                    ),
                ),
            ],
            options={
                "ordering": ("line",),
            },
        ),
        migrations.CreateModel(
            name="WindDays",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("force", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=20)),
                ("days", models.PositiveIntegerField()),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="wind_days",
                        to="weather.weatherreport",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "wind days",
                "ordering": ("force",),
            },
        ),
        migrations.CreateModel(
            name="MonthClimate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "month",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(12),
                        ]
                    ),
                ),
                ("days", models.PositiveIntegerField()),
                ("mean_max", models.FloatField()),
                ("mean_min", models.FloatField()),
                ("record_max", models.FloatField()),
                ("record_min", models.FloatField()),
                ("mean_total_mm", models.FloatField()),
                ("wet_days_share", models.FloatField()),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="months",
                        to="weather.weatherreport",
                    ),
                ),
            ],
            options={
                "ordering": ("month",),
                "constraints": [
                    models.UniqueConstraint(fields=("report", "month"), name="weather_month_once")
                ],
            },
        ),
    )
