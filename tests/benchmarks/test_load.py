"""The clients that press the API, against a server of the standard library."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.load.__main__ import parser
from benchmarks.load.client import Ask, Kind, Server, press
from benchmarks.load.trial import table


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status = 404 if self.path == "/missing" else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Cookie"] == "who=ann"
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield Server(port=listening.server_address[1], headers={"Cookie": "who=ann"})
        listening.shutdown()
        thread.join(10)


def kind(**ask):
    return Kind(name="kind", title="a kind", status=200, make=lambda: Ask(**ask))


def test_clients_ask_until_time_is_up_and_their_answers_are_timed(server):
    tally = press(server, kind(method="POST", path="/", body="{}"), clients=2, seconds=0.2)

    figures = tally.figures()
    assert tally.wrong == []
    assert figures["requests"] > 2
    assert figures["per_s"] == pytest.approx(figures["requests"] / tally.seconds)
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]


def test_an_answer_that_was_not_to_be_ends_it_and_is_told(server):
    tally = press(server, kind(path="/missing"), clients=1, seconds=5)

    assert tally.seconds < 5
    assert tally.wrong == ["GET /missing: 404 b'ok'"]


def test_a_server_that_is_not_there_is_told(server):
    gone = Server(port=1, headers={})

    assert "ConnectionRefusedError" in press(gone, kind(path="/"), clients=1, seconds=5).wrong[0]


def test_the_figures_are_told_in_a_table():
    figures = {
        "get": {"requests": 9, "per_s": 120.4, "p50_ms": 8.04, "p95_ms": 20.0, "cpu_ms": 5.2}
    }

    told = table({"runs": 10, "figures": figures})

    assert told.splitlines()[-1] == "| get a run with its ten steps | 120 | 8.0 | 20.0 | 5.2 |"


def test_the_defaults_are_what_the_document_says():
    options = parser().parse_args([])

    assert (options.runs, options.workers, options.clients) == (1_000_000, 2, 4)
