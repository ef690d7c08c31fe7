"""Run the workflow of the scratch project in this process, and read it back from the tables."""

import django

django.setup()

from gorkflow import registry  # noqa: E402
from gorkflow.models import WorkflowRun  # noqa: E402

workflow = registry.get("bake-bread")
run = workflow.start({"grams": 1000}, synchronous=True)
stored = WorkflowRun.objects.get(input__grams=1000)

assert run.output == "900 g, 500 cents", run.output
assert stored.status == "COMPLETED", stored.status
print(f"{stored}: {stored.status}, {run.output}")
