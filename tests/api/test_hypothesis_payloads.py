"""Whatever JSON a client sends is kept as it is or refused; nothing of it is a 5xx."""

import json
import threading
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gorkflow import WorkflowBuilder, register, registry, step
from gorkflow.models import WorkflowRun

START = "/api/workflows/anything/runs/"
TEXTS = st.text(max_size=40)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@step
def echo(value: Any) -> Any:
    return value


@pytest.fixture
def anything():
    workflow = register(WorkflowBuilder("anything", context=None).then(echo).build())
    yield workflow
    registry.unregister(workflow.id)


def fuzzed(test):
    health = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=60, deadline=None, database=None, suppress_health_check=health)(
        test
    )


@pytest.mark.django_db
def test_an_input_comes_back_as_it_was_sent_or_is_refused(api, anything):
    client = api()

    @fuzzed
    @given(value=JSON)
    @example(value=2**63)
    @example(value=-0.0)
    @example(value="\x00")
    @example(value={"": "\ud800"})
    @example(value={"a\x00b": 1})
    def send(value):
        body = json.dumps({"input": value, "context": value})
        answer = client.post(START, body, content_type="application/json")

        assert answer.status_code in {202, 422}, answer.content
        if answer.status_code == 202:
            shown = client.get(answer["Location"]).json()
            assert shown["input"] == value
        else:
            assert answer.json()["code"] == "VALIDATION_ERROR"

    send()


@pytest.mark.django_db
def test_every_other_member_is_taken_or_refused_at_its_place(api, anything):
    client = api()
    names = st.sampled_from(
        ["resource_id", "concurrency_check", "tags", "priority", "run_at", "context", "inptu"]
    )

    @fuzzed
    @given(body=st.dictionaries(names, JSON, max_size=3))
    def send(body):
        sent = json.dumps({"input": 1, **body})
        answer = client.post(START, sent, content_type="application/json")

        assert answer.status_code in {202, 409, 422}, answer.content
        if answer.status_code == 422 and (errors := answer.json().get("errors")):
            assert {error["loc"][0] for error in errors if error["loc"]} <= set(body)

    send()


@pytest.mark.django_db(transaction=True)
def test_the_same_key_sent_by_many_at_once_makes_one_run(api, anything):
    client, answers, ready = api(), [], threading.Barrier(4)

    def send():
        ready.wait(10)
        headers = {"Idempotency-Key": "race"}
        answers.append(client.post(START, {"input": 1}, format="json", headers=headers))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [answer.status_code for answer in answers] == [202] * 4
    assert {answer.json()["id"] for answer in answers} == {str(WorkflowRun.objects.get().id)}
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
