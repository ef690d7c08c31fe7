"""The curl commands of docs/api.md, against a real server, with somebody who works."""

import os
import re
import shutil
import subprocess

import pytest

from gorkflow.models import RunEvent, WorkflowRun
from tests.docs.documents import blocks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def script(live_server, shop):
    """The documents' commands as one script, with the server's address and a login of ours."""
    text = "\n".join(block.text for block in blocks("bash curl"))
    text, replaced = re.subn(r"^API=.*$", f"API={live_server.url}/api", text, flags=re.M)
    text, again = re.subn(r"^LOGIN=.*$", "LOGIN=admin:pw", text, flags=re.M)
    assert (replaced, again) == (1, 1)
    return f"set -euo pipefail\n{text}"


@pytest.mark.skipif(
    shutil.which("curl") is None and not os.environ.get("CI"), reason="there is no curl here"
)
def test_the_commands_of_the_documents_start_follow_and_steer_a_run(script, worker):
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    first, later, second = WorkflowRun.objects.order_by("created_at")
    assert later.status == "PENDING"
    assert (first.status, second.status) == ("COMPLETED", "CANCELLED")
    assert (second.rerun_of_id, second.started_by) == (first.id, "admin")
    assert {(event.kind, event.reason) for event in RunEvent.objects.all()} == {
        ("RERUN", "the parcel was lost"),
        ("CANCEL", "it was found"),
    }
    assert '"dry_run":true' in done.stdout
