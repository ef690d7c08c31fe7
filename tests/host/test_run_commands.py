"""`manage.py gorkflow`: runs from a terminal."""

import io
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from gorkflow.management.acts import watch as watch_module
from gorkflow.models import WorkflowRun
from gorkflow.wiring import get_engine
from tests.shop.workflows import Job, declined, plain

pytestmark = pytest.mark.django_db(transaction=True)


def gorkflow(*arguments):
    out = io.StringIO()
    call_command("gorkflow", *map(str, arguments), stdout=out)
    return out.getvalue()


def run():
    return plain.start(Job(), synchronous=True, resource_id="order-1", tags={"tenant": "acme"})


def test_runs_are_listed_with_what_they_can_be_told_apart_by():
    done, failed = run(), declined.start(Job(), synchronous=True)

    text = gorkflow("runs")

    head, newest, oldest = text.splitlines()
    assert head.split()[:3] == ["ID", "STATUS", "DONE"]
    assert newest.startswith(f"{failed.id}  FAILED")
    assert oldest.startswith(f"{done.id}  COMPLETED  100%  plain 1")
    assert oldest.endswith("order-1")


def test_lists_are_narrowed_and_go_on():
    done = run()
    for _ in range(2):
        declined.start(Job(), synchronous=True)

    tagged = json.loads(gorkflow("runs", "--tag=tenant:acme", "--status=COMPLETED", "--json"))
    first = json.loads(gorkflow("runs", "--workflow=declined", "--limit=1", "--json"))
    second = gorkflow("runs", "--workflow=declined", "--limit=1", "--cursor", first["next"])

    assert [each["id"] for each in tagged["results"]] == [str(done.id)]
    assert second.count("FAILED") == 1
    assert first["results"][0]["id"] not in second


def test_a_run_is_shown_with_its_steps_history_and_payloads():
    done = run()

    text = gorkflow("show", done.id, "--history", "--payloads")
    data = json.loads(gorkflow("show", done.id, "--history", "--payloads", "--json"))

    for part in ("COMPLETED", "100%", "tenant:acme", "STEP_COMPLETED", "input: {"):
        assert part in text
    assert [step["status"] for step in data["steps"]] == ["COMPLETED"] * len(data["steps"])
    assert data["history"][0]["kind"] == "RUN_CREATED"
    assert data["input"]["name"] == "job"
    assert data["output"] is not None


def test_a_failed_run_tells_why():
    failed = declined.start(Job(), synchronous=True)

    assert failed.error.message.splitlines()[0][:40] in gorkflow("show", failed.id)


def test_what_a_run_is_called_cannot_drive_the_terminal():
    hostile = plain.start(Job(), resource_id="\x1b[2J\x07", tags={"a": "\r\nb"})

    for text in (gorkflow("show", hostile.id), gorkflow("runs")):
        assert "\x1b" not in text
        assert "\r" not in text


@pytest.mark.parametrize("source", ["text", "file", "stdin"])
def test_a_run_is_started_with_input_from_anywhere(tmp_path, monkeypatch, source):
    text = '{"name": "é"}'
    (tmp_path / "input.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    given = {"text": text, "file": f"@{tmp_path / 'input.json'}", "stdin": "-"}[source]

    data = json.loads(
        gorkflow("start", "plain", given, "--tag=a:b:c", "--priority=7", "--by=ann", "--json")
    )

    assert (data["status"], data["tags"], data["priority"]) == ("PENDING", {"a": "b:c"}, 7)
    assert data["started_by"] == "ann"
    loaded = get_engine().store.load(WorkflowRun.objects.get().id, run_input=True)
    assert json.loads(loaded.input)["name"] == "é"


def test_a_run_may_begin_later():
    run_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)

    line = gorkflow("start", "plain", "{}", f"--run-at={run_at.isoformat()}")

    (run,) = get_engine().list_runs().runs
    assert run.run_at == run_at
    assert f"begins {run_at:%Y-%m-%d %H:%M:%S} UTC" in line
    assert f"begins {run_at:%Y-%m-%d %H:%M:%S} UTC" in gorkflow("show", run.id)


def test_the_same_key_starts_one_run():
    for _ in range(2):
        gorkflow("start", "plain", "{}", "--idempotency-key=k")

    assert WorkflowRun.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plain", "{"], "JSON"),
        (["plain", '{"name": 7}'], "name: Input should be a valid string"),
        (["plian", "{}"], "did you mean 'plain'"),
        (["plain", "@/nowhere"], "nowhere"),
        (["plain", "{}", "--priority=11"], "priority"),
        (["plain", "{}", "--tag=x"], "name:value"),
        (["plain", "{}", "--run-at=2030-01-01T00:00"], "with its zone"),
        (["plain", "{}", "--run-at=9000-01-01T00:00Z"], "within 3660 days"),
        (["plain", "{}", "--concurrency-check"], "resource_id"),
    ],
)
def test_a_start_that_cannot_be_meant_says_what_is_wrong(arguments, message):
    with pytest.raises(CommandError, match=message):
        gorkflow("start", *arguments)
    assert not WorkflowRun.objects.exists()


def test_runs_are_cancelled_continued_and_started_again_by_somebody_for_a_reason():
    first, second = plain.start(Job()), plain.start(Job())

    gorkflow("cancel", first.id, second.id, "--reason=too late", "--by=ann")
    gorkflow("retry", first.id, "--by=bob")
    again = json.loads(gorkflow("rerun", second.id, "--by=cron", "--json"))

    events = get_engine().get_events(first.id)
    assert [(each.kind, each.actor, each.reason) for each in events] == [
        ("CANCEL", "ann", "too late"),
        ("RETRY", "bob", ""),
    ]
    assert first.refresh().status == "PENDING"
    assert (again["rerun_of"], again["started_by"]) == (str(second.id), "cron")


def test_those_that_cannot_be_are_named_and_the_others_are_done():
    done, waiting = run(), plain.start(Job())

    with pytest.raises(CommandError, match=f"{done.id} is COMPLETED\n.*is not the id") as caught:
        gorkflow("cancel", done.id, "nonsense", waiting.id)

    assert caught.value.returncode == 1
    assert waiting.refresh().status == "CANCELLED"


def test_who_does_it_is_the_one_who_is_logged_in(monkeypatch):
    monkeypatch.setenv("LOGNAME", "operator")
    waiting = plain.start(Job())

    gorkflow("cancel", waiting.id)

    assert get_engine().get_events(waiting.id)[0].actor == "operator"


def test_a_watched_run_is_printed_at_every_change_until_its_end(monkeypatch):
    monkeypatch.setattr(watch_module, "LAST_PAUSE", 0.1)
    waiting = plain.start(Job())

    def work():
        get_engine().run_to_end(waiting.id)
        connection.close()

    worker = threading.Timer(0.3, work)
    worker.start()
    lines = [json.loads(line) for line in gorkflow("watch", waiting.id, "--json").splitlines()]
    worker.join()

    assert (lines[0]["status"], lines[-1]["status"]) == ("PENDING", "COMPLETED")
    assert [line["progress"] for line in lines] == sorted(line["progress"] for line in lines)


def test_on_a_terminal_the_line_is_written_over():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    done, out = run(), Terminal()

    call_command("gorkflow", "watch", str(done.id), stdout=out)

    assert out.getvalue().startswith("\r\x1b[K")
    assert out.getvalue().endswith("\n")


def test_a_watch_tells_by_its_exit_code_how_the_run_ended():
    failed, waiting = declined.start(Job(), synchronous=True), plain.start(Job())

    with pytest.raises(CommandError, match="is FAILED") as ended:
        gorkflow("watch", failed.id)
    with pytest.raises(CommandError, match="still PENDING") as late:
        gorkflow("watch", waiting.id, "--timeout=0.1")

    assert (ended.value.returncode, late.value.returncode) == (1, 2)


@pytest.mark.parametrize("act", ["show", "watch", "cancel", "retry", "rerun"])
def test_an_unknown_run_is_told_in_a_sentence(act):
    with pytest.raises(CommandError, match="there is no run 01900000"):
        gorkflow(act, "01900000-0000-7000-8000-000000000000")
