"""The curl commands of the README and of docs/api.md, against a real server and a worker."""

import os
import re
import shutil
import subprocess

import pytest

from gorkflow.models import RunEvent, WorkflowRun
from tests.docs.documents import blocks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        shutil.which("curl") is None and not os.environ.get("CI"), reason="there is no curl here"
    ),
]


@pytest.fixture
def commands(live_server, shop, worker):
    """Run a document's commands as one script, with the server's address and a login of ours."""

    def run(document):
        found = [block for block in blocks("bash curl") if block.place.startswith(document)]
        text = "\n".join(block.text for block in found)
        text, replaced = re.subn(r"^API=.*$", f"API={live_server.url}/api", text, flags=re.M)
        text, again = re.subn(r"^LOGIN=.*$", "LOGIN=admin:pw", text, flags=re.M)
        assert (replaced, again) == (1, 1)
        script = f"set -euo pipefail\n{text}"
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_the_readmes_commands_start_a_run_find_it_and_look_at_it(commands):
    printed = commands("README.md")

    run = WorkflowRun.objects.get()
    assert (run.idempotency_key, run.tags, run.started_by) == (
        "order-1003",
        {"shop": "south"},
        "admin",
    )
    assert f'"id":"{run.id}"' in printed
    assert '"step_id":"charge"' in printed
    assert "code" not in printed


def test_the_commands_of_the_api_page_start_follow_and_steer_a_run(commands):
    printed = commands("api.md")

    first, later, second = WorkflowRun.objects.order_by("created_at")
    assert later.status == "PENDING"
    assert (first.status, second.status) == ("COMPLETED", "CANCELLED")
    assert (second.rerun_of_id, second.started_by) == (first.id, "admin")
    assert {(event.kind, event.reason) for event in RunEvent.objects.all()} == {
        ("RERUN", "the parcel was lost"),
        ("CANCEL", "it was found"),
    }
    assert '"dry_run":true' in printed
