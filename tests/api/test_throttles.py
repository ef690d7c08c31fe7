"""How often a user may ask, by scope."""

import pytest

START = "/api/workflows/orders/runs/"


@pytest.fixture(autouse=True)
def _local_cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def rates(settings):
    def limit(**rates):
        named = {f"gorkflow_{scope}": rate for scope, rate in rates.items()}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": named}

    return limit


@pytest.mark.parametrize(
    ("scope", "ask"),
    [
        ("read", lambda client, run: client.get("/api/runs/")),
        ("read", lambda client, run: client.get(START)),
        ("start", lambda client, run: client.post(START, {"input": {"number": 7}}, format="json")),
        ("act", lambda client, run: client.post(f"/api/runs/{run.id}/rerun/")),
        ("stats", lambda client, run: client.get("/api/stats/")),
    ],
)
def test_a_rate_of_the_hosts_settings_holds_for_its_scope(api, waiting, rates, scope, ask):
    rates(**{scope: "2/min"})
    client = api()

    answers = [ask(client, waiting) for _ in range(3)]

    assert [answer.status_code < 300 for answer in answers] == [True, True, False]
    assert answers[2].status_code == 429
    assert answers[2].json()["code"] == "THROTTLED"
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert ask(api(name="bob"), waiting).status_code < 300


def test_another_scope_is_counted_by_itself(api, waiting, rates):
    rates(start="1/min")
    client = api()

    for _ in range(2):
        client.post(START, {"input": {"number": 7}}, format="json")

    assert client.get("/api/runs/").status_code == 200
    assert client.get(START).status_code == 200


def test_an_unlimited_scope_asks_no_cache(api, waiting, settings):
    settings.CACHES = {"default": {"BACKEND": "tests.api.test_throttles.NoCache"}}

    assert api().get("/api/runs/").status_code == 200


class NoCache:
    def __init__(self, *_):
        raise AssertionError("the cache was asked")
