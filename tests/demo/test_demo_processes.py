import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from demo_project.home.showcase.processes import (
    Children,
    ShowcaseError,
    choose_port,
    get_status,
    interrupted_by_signals,
)

ENDLESS = "import time\nprint('up', flush=True)\ntime.sleep(600)"
DEAF = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{ENDLESS}"
PARENT = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {DEAF!r}]).pid, flush=True)
{ENDLESS}"""


@pytest.fixture
def children(tmp_path):
    found = Children(tmp_path / "log", cwd=tmp_path)
    yield found
    found.stop(grace=0.1)


def start(children, code):
    return children.start("worker", [sys.executable, "-c", code])


def wait_for(condition):
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    state = stat.rpartition(")")[2].split()[0]
    return state != "Z"  # a zombie has ended


def test_a_process_that_dies_is_reported_with_the_end_of_its_log(children):
    child = start(children, "print('no broker here'); raise SystemExit(3)")
    child.process.wait()

    with pytest.raises(ShowcaseError, match=r"the worker ended with exit code 3") as caught:
        children.check()

    assert "no broker here" in str(caught.value)
    assert "worker.log" in str(caught.value)


def test_the_tail_leaves_out_what_an_earlier_process_logged(children):
    start(children, "print('old news')").process.wait()
    child = start(children, "print('news')")
    child.process.wait()

    assert "old news" not in child.tail()


def test_a_process_is_stopped_by_asking(children):
    child = start(children, ENDLESS)

    children.stop(grace=10)

    assert child.process.returncode == -signal.SIGTERM


def test_one_that_does_not_listen_is_killed_after_the_grace_time(children):
    child = start(children, DEAF)
    wait_for(lambda: "up" in child.tail())

    children.stop(grace=0.2)

    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks processes up in /proc")
def test_the_children_of_a_process_do_not_outlive_it(children):
    child = start(children, PARENT)
    wait_for(lambda: child.tail().count("up") == 2)
    (grandchild,) = [int(line) for line in child.tail().split() if line.isdigit()]

    children.stop(grace=0.2)

    wait_for(lambda: not is_alive(grandchild))


def test_sigterm_interrupts_as_ctrl_c_does():
    with interrupted_by_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_wanted_port_that_is_taken_is_an_error_that_says_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ShowcaseError, match=f"port {port} is taken"):
            choose_port(port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_cannot_be_is_an_error(port):
    with pytest.raises(ShowcaseError, match="may not be used"):
        choose_port(port)


def test_without_a_wish_the_next_free_port_is_taken(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("demo_project.home.showcase.processes.FIRST_PORT", port)
        monkeypatch.setattr("demo_project.home.showcase.processes.LAST_PORT", port)

        with pytest.raises(ShowcaseError, match="all taken"):
            choose_port(None)


def test_nobody_answering_is_no_status():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))

        assert get_status(probe.getsockname()[1], "/") is None


def test_two_demos_that_start_at_once_get_ports_of_their_own():
    assert choose_port(None) != choose_port(None)
