"""What somebody who means harm may send: an answer below 500, and nothing stored or told."""

import bz2
import io
from typing import Annotated

import pytest
from django.urls import is_valid_path
from pydantic import BaseModel, Field
from rest_framework.authentication import BaseAuthentication
from rest_framework.test import APIClient

from gorkflow import StepContext, WorkflowBuilder, register, registry, step
from gorkflow.api.parsers import BodyTooLarge, JsonBodyParser
from gorkflow.api.views.base import ApiView
from gorkflow.models import WorkflowRun

START = "/api/workflows/orders/runs/"
HOSTILE = [
    "' OR 1=1 --",
    "1; DROP TABLE gorkflow_workflowrun",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "a\r\nSet-Cookie: x=y",
    "\x00",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "é" * 5000,
    "%s%s%s%n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_in_queries_finds_nothing_and_breaks_nothing(api, completed, text):
    client = api()

    for name in ("workflow", "version", "resource_id", "started_by", "status", "tag", "id"):
        response = client.get("/api/runs/", {name: text})
        assert response.status_code in {200, 422}
        if response.status_code == 200:
            assert response.json()["results"] == []
    for name in ("cursor", "fields", "ordering", "created_after", "has_retries"):
        assert client.get("/api/runs/", {name: text}).status_code == 422


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_ids_are_not_found(api, completed, text):
    from urllib.parse import quote

    client, quoted = api(), quote(text, safe="")

    for path in (f"runs/{quoted}/", f"runs/{completed.id}/steps/{quoted}/", f"workflows/{quoted}/"):
        response = client.get(f"/api/{path}")
        assert response.status_code == 404, path
        assert response["Content-Type"] == "application/problem+json"
        assert len(response.content) < 2000 or len(text) > 1000


@pytest.mark.parametrize("text", HOSTILE[:-2], ids=ascii)
def test_hostile_words_are_kept_as_they_are_or_refused(api, orders, text):
    client = api()
    body = {"input": {"number": 1}, "resource_id": text, "tags": {text: text}}

    started = client.post(START, body, format="json")

    assert started.status_code in {202, 422}
    assert not {"Set-Cookie", "x"} & set(started.headers)
    if started.status_code == 202:
        shown = client.get(started["Location"]).json()
        assert (shown["resource_id"], shown["tags"]) == (text, {text: text})


@pytest.mark.parametrize("key", ["a\tb", "a b", 'a"b"c\x7f', "x" * 256, "\xe9"])
def test_a_hostile_idempotency_key_is_refused_or_kept_to_itself(api, orders, key):
    response = api().post(
        START, {"input": {"number": 1}}, format="json", headers={"Idempotency-Key": key}
    )

    assert response.status_code == 422
    assert not WorkflowRun.objects.exists()


def test_a_huge_body_is_refused_before_it_is_parsed(api, orders, settings):
    settings.GORKFLOW = {**settings.GORKFLOW, "API_MAX_BODY_BYTES": 2000}

    response = api().post(
        START, b'{"input": "' + b"x" * 3000 + b'"}', content_type="application/json"
    )

    assert response.status_code == 413
    assert response.json()["code"] == "REQUEST_TOO_LARGE"
    assert "2,000 bytes (API_MAX_BODY_BYTES)" in response.json()["detail"]
    assert response["Content-Type"] == "application/problem+json"
    assert not WorkflowRun.objects.exists()


def test_a_body_of_which_less_is_told_than_there_is_is_not_read_to_its_end(api, orders, settings):
    settings.GORKFLOW = {**settings.GORKFLOW, "API_MAX_BODY_BYTES": 2000}

    stream = io.BytesIO(b'{"input": "' + b"x" * 3000 + b'"}')

    with pytest.raises(BodyTooLarge):
        JsonBodyParser().parse(stream)
    assert stream.tell() == 2001


def test_djangos_limit_for_forms_is_none_for_json(api, orders, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b'{"input": {"number": 1, "note": "%s"}}' % (b"x" * 3_000_000)

    response = api().post(START, body, content_type="application/json")

    assert response.status_code == 202


def test_a_payload_of_the_greatest_size_is_taken_with_djangos_own_settings(api, orders):
    note = "x" * (4 * 1024 * 1024 - 100)

    response = api().post(START, {"input": {"number": 1, "note": note}}, format="json")

    assert response.status_code == 202, response.json()


def test_a_body_in_chunks_is_refused_as_it_would_not_be_read(api, orders):
    client = api()

    response = client.generic(
        "POST", START, b"", content_type="application/json", HTTP_TRANSFER_ENCODING="chunked"
    )

    assert response.status_code == 411
    assert response.json()["code"] == "LENGTH_REQUIRED"
    assert not WorkflowRun.objects.exists()


@pytest.mark.parametrize("charset", ["bz2_codec", "zlib_codec", "utf-7", "no-such"])
def test_a_charset_that_unpacks_or_is_none_is_not_used(api, orders, charset):
    packed = bz2.compress(b'{"input": {"number": 1}}' + b" " * 1_000_000)

    response = api().post(START, packed, content_type=f"application/json; charset={charset}")

    assert response.status_code == 400
    assert response.json()["code"] == "PARSE_ERROR"


def test_an_input_over_the_payload_limit_is_refused(api, orders, settings):
    settings.GORKFLOW = {**settings.GORKFLOW, "MAX_PAYLOAD_BYTES": 2000}

    response = api().post(START, {"input": {"number": 1, "note": "x" * 3000}}, format="json")

    assert response.status_code == 422
    assert "too large" in response.json()["detail"]


class SignedBodies(BaseAuthentication):
    """Reads the body to check a signature, as a host's own may."""

    def authenticate(self, request):
        len(request._request.body)


def test_a_body_that_the_host_reads_is_held_to_djangos_limit_which_is_named(
    orders, settings, monkeypatch
):
    monkeypatch.setattr(ApiView, "authentication_classes", [SignedBodies])
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    response = APIClient().post(START, b" " * 1001, content_type="application/json")

    assert response.status_code == 413
    assert "1,000 bytes" in response.json()["detail"]
    assert "(DATA_UPLOAD_MAX_MEMORY_SIZE)" in response.json()["detail"]
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_a_form_of_any_size_is_no_body(user, orders, settings):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user("start_workflowrun"))
    client.cookies["csrftoken"] = "x" * 32  # Django looks for its like in the form

    response = client.post(
        START, "x=" + "y" * 3_000_000, content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code == 415
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("depth", [90, 101, 900, 100_000])
def test_deep_json_is_refused_wherever_it_is(api, orders, depth):
    deep = b"[" * depth + b"]" * depth
    client = api()

    for body in (
        b'{"input": %s}' % deep,
        b'{"input": {"number": 1}, "tags": %s}' % deep,
        deep,
        b'{"input": {"number": 1}, "context": %s}' % deep,
    ):
        response = client.post(START, body, content_type="application/json")
        assert response.status_code in {202, 400, 422}
        assert len(response.content) < 5000
    assert WorkflowRun.objects.count() <= 1


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
@pytest.mark.parametrize("path", ["", "runs/", "workflows/", "stats/", "runs/{id}/"])
def test_methods_that_are_none_are_problems(api, completed, method, path):
    response = getattr(api(), method)(f"/api/{path.format(id=completed.id)}", {}, format="json")

    assert response.status_code == 405
    assert response.json()["code"] == "METHOD_NOT_ALLOWED"
    assert "GET" in response["Allow"]


class Login(BaseModel):
    name: str
    password: Annotated[str, Field(json_schema_extra={"writeOnly": True})]


@step
def login(ctx: StepContext, given: Login) -> Login:
    ctx.logger.info("logged in")
    return given


@pytest.fixture
def logins():
    yield register(WorkflowBuilder("logins").then(login).build())
    registry.unregister("logins")


def test_what_the_schema_calls_secret_is_shown_to_nobody(api, logins, db):
    run = logins.start(Login(name="ann", password="hunter2"), synchronous=True)
    client = api()

    for path in ("", "steps/", "steps/login/", "output/", "events/"):
        text = client.get(f"/api/runs/{run.id}/{path}").content.decode()
        assert "hunter2" not in text
    listed = client.get("/api/runs/", {"fields": "input,output"})
    assert "hunter2" not in listed.content.decode()
    assert client.get(f"/api/runs/{run.id}/output/").json() == {
        "name": "ann",
        "password": "**********",
    }
    assert run.output.password == "hunter2"


def test_payloads_of_a_workflow_that_nobody_knows_any_more_are_masked(api, logins, db):
    run = logins.start(Login(name="ann", password="hunter2"), synchronous=True)
    registry.unregister("logins")

    body = api().get(f"/api/runs/{run.id}/").json()

    assert (body["input"], body["output"]) == ("**********", "**********")


def test_an_input_that_is_refused_is_not_repeated(api, logins, db):
    response = api().post(
        "/api/workflows/logins/runs/", {"input": {"password": "hunter2"}}, format="json"
    )

    assert response.status_code == 422
    assert "hunter2" not in response.content.decode()


@pytest.mark.parametrize("path", ["nothing/", "runs/a/b/", "\n/"])
@pytest.mark.parametrize("method", ["get", "post", "options", "delete"])
def test_what_is_not_there_is_a_problem_whatever_is_asked_of_it(api, orders, path, method):
    response = getattr(api(), method)(f"/api/{path}", format="json")

    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


def test_a_slash_that_was_left_out_is_left_to_django_to_add():
    assert is_valid_path("/api/nothing/")
    assert not is_valid_path("/api/runs")
