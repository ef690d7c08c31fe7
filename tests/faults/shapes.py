"""The shapes that every fault is tried on: a chain, a fan-out, a fan-in and an atomic step.

A step puts out its name around its inputs, so a run's output tells what was put into it.
"""

from gorkflow import WorkflowBuilder

TARGET = {"sequential": "b", "fan-out": "a", "fan-in": "b", "atomic": "b"}
"""The step that is hit: one whose finish makes others ready, or counts down to them."""
OUTPUT = {
    "sequential": "c(b(a(x)))",
    "fan-out": {"b": "b(a(x))", "c": "c(a(x))", "d": "d(a(x))"},
    "fan-in": "d(a(x)+b(x)+c(x))",
    "atomic": "c(b(a(x)))",
}
STEPS = {"sequential": 3, "fan-out": 4, "fan-in": 4, "atomic": 3}


def build(plain, join, atomic, prefix=""):
    """Return the workflows by shape, made of steps with these handlers."""
    a, b, c, d = (plain.with_(id=name) for name in "abcd")
    return {
        "sequential": WorkflowBuilder(f"{prefix}sequential").sequence(a, b, c).build(),
        "fan-out": WorkflowBuilder(f"{prefix}fan-out").then(a).parallel(b, c, d).build(),
        "fan-in": WorkflowBuilder(f"{prefix}fan-in")
        .parallel(a, b, c)
        .then(join.with_(id="d"))
        .build(),
        "atomic": WorkflowBuilder(f"{prefix}atomic")
        .sequence(a, atomic.with_(id="b"), atomic.with_(id="c"))
        .build(),
    }
