"""What importing costs: the pure part runs where Django and Celery are not even installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FRAMEWORKS = ("django", "celery", "kombu", "billiard", "rest_framework", "django_filters")

BLOCKED = f"""
import sys

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FRAMEWORKS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Nowhere())
"""

RUN = """
from pydantic import BaseModel

from gorkflow import WorkflowBuilder, step
from gorkflow.testing import local_engine

class Order(BaseModel):
    pieces: int

@step
def price(order: Order) -> int:
    return order.pieces * 3

@step
def tax(order: Order) -> int:
    return order.pieces

@step
def add(parts: tuple[int, int]) -> int:
    return sum(parts)

workflow = WorkflowBuilder("bill").parallel(price, tax).then(add).build()
with local_engine(workflow) as engine:
    run = workflow.start(Order(pieces=10))
    engine.drain()
    print(run.refresh().output)
"""


def python(code):
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},  # no DJANGO_SETTINGS_MODULE
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_importing_gorkflow_imports_neither_django_nor_celery():
    loaded = python(
        f"import sys, gorkflow\nprint(*[name for name in {FRAMEWORKS!r} if name in sys.modules])"
    )

    assert loaded == ""


def test_gorkflow_imports_where_they_are_not_installed():
    assert python(f"{BLOCKED}\nimport gorkflow\nprint(gorkflow.__version__)")


def test_every_public_name_is_there():
    assert (
        python("import gorkflow\nprint([n for n in gorkflow.__all__ if not hasattr(gorkflow, n)])")
        == "[]"
    )


def test_a_workflow_runs_where_they_are_not_installed():
    assert python(f"{BLOCKED}\n{RUN}").splitlines()[-1] == "40"
