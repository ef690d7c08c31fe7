"""Starting, following and steering runs from async code, as a view and elsewhere."""

import asyncio
import inspect
import threading
import time

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import JsonResponse
from django.test import AsyncClient, Client
from django.urls import path

from gorkflow import InvalidStateError, NotFoundError, PayloadError, RunFilter, RunStatus
from gorkflow.engine import Engine
from gorkflow.engine.run import Run
from gorkflow.errors import WaitTimeoutError
from gorkflow.models import WorkflowRun
from gorkflow.testing import local_engine
from gorkflow.wiring import get_engine
from tests.shop.models import Entry
from tests.shop.workflows import Job, plain
from tests.urls import urlpatterns as pages

pytestmark = pytest.mark.django_db(transaction=True)


async def start_view(request):
    """Start a run, wait for it if that is asked for, and say what became of it."""
    run = await plain.astart(Job(name="seen"), resource_id="order-1")
    if "wait" in request.GET:
        await run.await_(timeout=30)
    return JsonResponse(
        {"id": str(run.id), "status": run.status, "asgi": isinstance(request, ASGIRequest)}
    )


async def order_view(_request):
    """Write and start in one transaction."""
    return JsonResponse({"id": str(await sync_to_async(place_order)())})


@transaction.atomic
def place_order():
    Entry.objects.create(name="ordered")
    return plain.start(Job()).id


urlpatterns = [*pages, path("start/", start_view), path("order/", order_view)]


@pytest.fixture(autouse=True)
def _pages(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def worker():
    """A thread that works on the first run that comes."""
    from django.db import connection

    def work():
        for _ in range(600):
            if runs := get_engine().list_runs().runs:
                get_engine().work(runs[0].id)
                break
            time.sleep(0.05)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(40)


def test_an_async_view_starts_a_run_under_asgi():
    answer = async_to_sync(AsyncClient().get)("/start/").json()

    run = WorkflowRun.objects.get()
    assert answer == {"id": str(run.id), "status": "PENDING", "asgi": True}
    assert run.resource_id == "order-1"


def test_and_under_wsgi():
    answer = Client().get("/start/").json()

    assert answer == {"id": str(WorkflowRun.objects.get().id), "status": "PENDING", "asgi": False}


@pytest.mark.parametrize("asgi", [True, False], ids=["asgi", "wsgi"])
def test_an_async_view_waits_for_a_run_that_a_worker_does(worker, asgi):
    ask = async_to_sync(AsyncClient().get) if asgi else Client().get

    assert ask("/start/?wait=1").json()["status"] == "COMPLETED"


def test_who_waits_keeps_nobody_else_from_the_database():
    async def both():
        run = await plain.astart(Job())
        waits = asyncio.ensure_future(run.await_(timeout=30))
        await asyncio.sleep(0)
        await (await get_engine().arun(run.id)).acancel("enough", actor="ann")
        return await waits

    run = async_to_sync(both)()

    assert (run.status, run.error.message) == (RunStatus.CANCELLED, "enough")


def test_a_view_writes_and_starts_in_one_transaction():
    answer = async_to_sync(AsyncClient().get)("/order/").json()

    assert answer["id"] == str(WorkflowRun.objects.get().id)
    assert Entry.objects.filter(name="ordered").exists()


def test_the_engine_answers_and_acts_in_async_code():
    async def all_of_it():
        engine = get_engine()
        run = await engine.astart("plain", Job())
        cancelled = await engine.acancel(run.id, actor="ann", reason="why")
        again = await engine.aretry(run.id)
        other = await engine.arerun(run.id)
        page = await engine.alist_runs(RunFilter(workflow_id="plain"))
        events = await engine.aget_events(run.id)
        steps, stats = await engine.aget_steps(run.id), await engine.arun_stats()
        history = await engine.aget_history(run.id)
        return cancelled, again, other, page, events, steps, stats, history

    cancelled, again, other, page, events, steps, stats, history = async_to_sync(all_of_it)()

    assert (cancelled.status, again.status) == ("CANCELLED", "PENDING")
    assert [run.id for run in page.runs] == [other.id, cancelled.id]
    assert [event.kind for event in events] == ["CANCEL", "RETRY", "RERUN"]
    assert len(steps) == again.total_steps
    assert stats.counts[RunStatus.PENDING] == 2
    assert history[0].kind == "RUN_CREATED"


def test_a_run_is_steered_in_async_code():
    async def steer():
        run = await (await plain.astart(Job())).acancel("no")
        await run.aretry("yes")
        other = await run.arerun()
        return await run.arefresh(), other, await run.asteps(attempts=True)

    run, other, steps = async_to_sync(steer)()

    assert run.status is RunStatus.PENDING
    assert other.record.rerun_of == run.id
    assert len(steps) == run.record.total_steps


def test_errors_are_the_same():
    async def wrong():
        run = await plain.astart(Job())
        with pytest.raises(WaitTimeoutError, match="still PENDING"):
            await run.await_(timeout=0)
        with pytest.raises(InvalidStateError, match="no output yet"):
            await run.aoutput()
        with pytest.raises(NotFoundError):
            await get_engine().aget_run("nonsense")
        with pytest.raises(PayloadError):
            await plain.astart(Job(), priority=99)

    async_to_sync(wrong)()


def test_a_local_engine_does_the_work_while_async_code_waits():
    async def total():
        run = await plain.astart(Job())
        return await (await run.await_()).aoutput()

    with local_engine():
        assert asyncio.run(total()) == "left+right"


def test_a_user_is_known_after_the_database_was_asked_by_others():
    """Async views ask the database on the connections of their own request."""

    async def both():
        await User.objects.acreate(username="ann")
        await plain.astart(Job(), started_by="ann")
        return await WorkflowRun.objects.aget(started_by="ann")

    assert async_to_sync(both)().status == "PENDING"


@pytest.mark.parametrize("kind", [Engine, Run])
def test_every_twin_says_whose_twin_it_is(kind):
    for name, method in inspect.getmembers(kind, inspect.iscoroutinefunction):
        if name not in {"await_", "aoutput"}:
            assert method.__name__ == name
            assert inspect.getdoc(method).startswith(f"Do the same as `{name[1:]}`")
            assert inspect.signature(method) == inspect.signature(getattr(kind, name[1:]))
