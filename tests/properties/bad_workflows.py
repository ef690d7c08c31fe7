"""A workflow for each bad handler; workers of the tests import this by --include."""

from gorkflow import WorkflowBuilder, register
from tests.properties.bad_handlers import BAD, DEADLY, good, good_and_atomic

bad = {
    name: register(WorkflowBuilder(f"bad-{name}").then(found.step).build())
    for name, found in BAD.items()
}
deadly = {
    name: register(WorkflowBuilder(f"bad-{name}").then(step).build())
    for name, step in DEADLY.items()
}
after = register(WorkflowBuilder("good").then(good).then(good_and_atomic).build())
