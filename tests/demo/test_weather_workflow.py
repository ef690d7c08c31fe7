import pytest

from demo_project.weather.models import WeatherReport
from demo_project.weather.workflows import WeatherFile, weather_report
from gorkflow import PayloadError, RunStatus, StepStatus
from gorkflow.testing import local_engine

pytestmark = pytest.mark.django_db


@pytest.fixture
def uploads(tmp_path, settings):
    settings.WEATHER_DATA_DIRS = [tmp_path]
    return tmp_path


def statuses(run):
    return {step.step_id: step.status for step in run.steps()}


def finished(file):
    with local_engine() as engine:
        run = weather_report.start(file)
        engine.drain()
        return run.refresh(), statuses(run), run.output if not run.error else None


def test_the_seattle_file_becomes_a_saved_report_with_an_alert():
    run, steps, output = finished(WeatherFile(path="seattle-weather.csv"))

    assert run.status is RunStatus.COMPLETED
    assert steps["heat_wave_alert"] is StepStatus.COMPLETED
    report = WeatherReport.objects.get(pk=output.report_id)
    assert (report.run_id, report.day_count, report.bad_row_count) == (run.id, 1461, 0)
    assert "7 heat waves" in report.alert
    assert output.heat_waves == report.spells.filter(kind="heat").count() == 7
    assert report.months.count() == 12


def test_without_a_heat_wave_the_alert_is_skipped_and_the_report_passes_through():
    run, steps, output = finished(WeatherFile(path="seattle-weather.csv", heat_wave_celsius=50))

    assert run.status is RunStatus.COMPLETED
    assert steps["heat_wave_alert"] is StepStatus.SKIPPED
    assert WeatherReport.objects.get(pk=output.report_id).alert == ""


def test_bad_rows_are_kept_with_their_line_numbers(uploads):
    (uploads / "mine.csv").write_text(
        "date,precipitation,temp_max,temp_min,wind,weather\n"
        "2020-01-01,1,5,1,2,rain\n"
        "2020-01-02,1,5,9,2,rain\n"
    )

    _, _, output = finished(WeatherFile(path="mine.csv"))

    (bad,) = WeatherReport.objects.get(pk=output.report_id).bad_rows.all()
    assert (bad.line, bad.reason) == (3, "temp_min 9 is above temp_max 5")


def test_a_missing_file_fails_the_run_at_once_with_its_name(uploads):
    run, steps, _ = finished(WeatherFile(path="gone.csv"))

    assert run.status is RunStatus.FAILED
    assert run.error.message == "there is no file gone.csv"
    assert run.error.attempt == 1, "trying again would not help"
    assert steps["save"] is not StepStatus.COMPLETED
    assert not WeatherReport.objects.exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../settings.py", ""])
def test_a_file_elsewhere_is_refused_before_a_run_exists(path):
    with local_engine() as engine, pytest.raises(PayloadError, match="path"):
        weather_report.start({"path": path})

    assert engine.list_runs().runs == ()


def test_a_link_that_was_changed_after_the_start_is_refused(uploads):
    (uploads / "target.csv").write_text("x")
    link = uploads / "mine.csv"
    link.symlink_to(uploads / "target.csv")
    with local_engine() as engine:
        run = weather_report.start(WeatherFile(path="mine.csv"))
        link.unlink()
        link.symlink_to("/etc/passwd")
        engine.drain()

        assert run.refresh().status is RunStatus.FAILED
        assert "root:" not in run.error.message
