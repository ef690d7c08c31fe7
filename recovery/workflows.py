"""The workflow whose workers are killed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gorkflow import StepContext, WorkflowBuilder, register, step


@step(timeout=None)
def hold(ctx: StepContext, directory: str) -> str:
    """Leave a mark; the first attempt stays until it is killed."""
    mark = mark_of(directory, str(ctx.run_id), ctx.attempt)
    mark.with_suffix(".new").write_text(str(os.getpid()))
    mark.with_suffix(".new").rename(mark)
    while ctx.attempt == 1:
        time.sleep(0.05)
    return directory


def mark_of(directory: str | Path, run_id: str, attempt: int) -> Path:
    """Return the file that an attempt leaves when it begins; its process id is in it."""
    return Path(directory) / f"{run_id}-{attempt}"


held = register(WorkflowBuilder("held").then(hold).build())
