"""Answers that a client has already, and answers that it waits for."""

import threading
import time

import pytest
from django.db import connection

from gorkflow.api import waiting as waiting_module
from gorkflow.wiring import get_engine

RUNS = "/api/runs/"


LONG = 20
"""Seconds: far more than an answer takes on a machine that is busy."""


def timed(act):
    begun = time.monotonic()
    return act(), time.monotonic() - begun


@pytest.mark.parametrize("path", ["", "{id}/", "{id}/steps/", "{id}/events/", "{id}/output/"])
def test_an_answer_that_the_client_has_already_is_not_sent_again(api, completed, path):
    client, url = api(), RUNS + path.format(id=completed.id)
    first = client.get(url)

    second = client.get(url, headers={"If-None-Match": first["ETag"]})

    assert (second.status_code, second.content) == (304, b"")
    assert second["ETag"] == first["ETag"]
    assert "private" in first["Cache-Control"]


def test_another_answer_has_another_tag(api, waiting):
    client, url = api(), f"{RUNS}{waiting.id}/"
    first = client.get(url)

    waiting.cancel()

    second = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert (second.status_code, second.json()["status"]) == (200, "CANCELLED")
    assert second["ETag"] != first["ETag"]


def test_those_who_see_less_have_another_tag(api, completed):
    url = f"{RUNS}{completed.id}/"

    tags = {api(name="bob").get(url)["ETag"], api("view_workflowrun").get(url)["ETag"]}

    assert len(tags) == 2


def test_problems_have_no_tag(api, db):
    assert "ETag" not in api().get(f"{RUNS}nonsense/")


def test_a_run_that_has_ended_is_not_waited_for(api, completed):
    response, took = timed(lambda: api().get(f"{RUNS}{completed.id}/", {"wait": LONG}))

    assert response.json()["status"] == "COMPLETED"
    assert took < LONG / 2


def test_waiting_ends_when_its_time_is_up(api, waiting):
    client, url = api(), f"{RUNS}{waiting.id}/"
    tag = client.get(url)["ETag"]

    response, took = timed(lambda: client.get(url, {"wait": "0.3"}, headers={"If-None-Match": tag}))

    assert response.status_code == 304
    assert 0.3 <= took < LONG / 2


def test_a_client_that_has_not_seen_the_latest_gets_it_at_once(api, waiting):
    url = f"{RUNS}{waiting.id}/"

    response, took = timed(
        lambda: api().get(url, {"wait": LONG}, headers={"If-None-Match": 'W/"older"'})
    )

    assert (response.status_code, took < LONG / 2) == (200, True)


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_as_soon_as_the_run_changes(api, waiting):
    def change():
        time.sleep(0.3)
        get_engine().cancel(waiting.id)
        connection.close()

    changer = threading.Thread(target=change)
    client = api()
    changer.start()

    response, took = timed(lambda: client.get(f"{RUNS}{waiting.id}/", {"wait": LONG}))

    changer.join()
    assert response.json()["status"] == "CANCELLED"
    assert took < LONG / 2


def test_no_more_wait_at_once_than_may(api, waiting, monkeypatch):
    monkeypatch.setattr(waiting_module, "_places", threading.BoundedSemaphore(1))
    assert waiting_module._places.acquire()

    response, took = timed(lambda: api().get(f"{RUNS}{waiting.id}/", {"wait": LONG}))

    assert (response.status_code, took < LONG / 2) == (200, True)


def test_nobody_waits_longer_than_the_settings_allow(api, waiting, settings):
    settings.GORKFLOW = {**settings.GORKFLOW, "API_MAX_WAIT": 0}

    response, took = timed(lambda: api().get(f"{RUNS}{waiting.id}/", {"wait": LONG}))

    assert (response.status_code, took < LONG / 2) == (200, True)


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", "inf", ""])
def test_a_wait_that_is_none_is_refused(api, waiting, wait):
    response = api().get(f"{RUNS}{waiting.id}/", {"wait": wait})

    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["wait"]


def test_a_misspelt_parameter_is_refused(api, waiting):
    assert api().get(f"{RUNS}{waiting.id}/", {"wiat": 20}).status_code == 422
