"""The curl commands of docs/api.md, against a real server, with somebody who works."""

import os
import re
import shutil
import subprocess
import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection

from demo_project.orders.models import Product
from demo_project.orders.workflows import fulfil_order
from gorkflow import RunFilter, register, registry
from gorkflow.models import RunEvent, WorkflowRun
from gorkflow.statuses import ACTIVE_RUNS
from gorkflow.wiring import get_engine
from tests.docs.documents import blocks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker():
    """A thread that works on whatever there is, in place of a Celery worker."""
    stop = threading.Event()

    def work():
        engine, wanted = get_engine(), RunFilter(statuses=ACTIVE_RUNS)
        while not stop.wait(0.1):
            for run in engine.list_runs(wanted).runs:
                # The second run is cancelled before anybody gets to it.
                if run.rerun_of is None:
                    engine.work(run.id)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(30)


@pytest.fixture
def script(live_server):
    """The documents' commands as one script, with the server's address and a login of ours."""
    User.objects.create_superuser("admin", password="pw")
    # Tests that commit empty the tables, of what migrations have put there too.
    Product.objects.get_or_create(sku="kettle", defaults={"price_cents": 1, "stock": 9})
    text = "\n".join(block.text for block in blocks("bash curl"))
    text, replaced = re.subn(r"^API=.*$", f"API={live_server.url}/api", text, flags=re.M)
    text, again = re.subn(r"^LOGIN=.*$", "LOGIN=admin:pw", text, flags=re.M)
    assert (replaced, again) == (1, 1)
    # Other tests may have registered another workflow under the same id.
    registry.unregister(fulfil_order.id)
    register(fulfil_order)
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
