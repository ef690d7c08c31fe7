"""What a new run consists of."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pydantic_core

from gorkflow.config import MAX_AHEAD, EngineConfig, StartOptions
from gorkflow.definition.codec import dump_json
from gorkflow.definition.naming import checked_tags
from gorkflow.definition.workflow import Workflow
from gorkflow.dispatch.base import Hint
from gorkflow.engine.planner import Planner
from gorkflow.errors import IdempotencyConflictError, PayloadError
from gorkflow.records import Json, RunRecord
from gorkflow.stores.base import NewRun, WorkflowStore


def build_run(  # noqa: PLR0913
    workflow: Workflow[Any, Any],
    text: Json,
    options: StartOptions,
    planner: Planner,
    config: EngineConfig,
    *,
    run_at: datetime | None = None,
) -> NewRun:
    """Return everything that a store has to insert for a start.

    Args:
        workflow: what is started.
        text: the input.
        options: the caller's.
        planner: of the workflow's graph.
        config: the engine's.
        run_at: when, as `checked_run_at` has found it.

    """
    graph = workflow.graph
    return NewRun(
        id=new_run_id(),
        workflow_id=workflow.id,
        workflow_version=workflow.version,
        fingerprint=graph.fingerprint,
        graph=graph.to_json(),
        input=text,
        context=_context(workflow, options, config),
        resource_id=options.resource_id or "",
        idempotency_key=options.idempotency_key,
        concurrency_key=_concurrency_key(workflow.id, options),
        tags=checked_tags({**workflow.tags, **options.tags}),
        priority=options.priority,
        started_by=options.started_by,
        total_steps=len(graph),
        sinks=len(graph.sinks),
        step_limit=planner.step_limit,
        run_limit=workflow.max_concurrent_runs,
        timeout=workflow.run_timeout,
        run_at=run_at,
        steps=planner.first_steps(),
    )


def checked_run_at(options: StartOptions, now: datetime) -> datetime | None:
    """Return until when a run is put off, or None if it may begin now.

    Raises:
        PayloadError: it is too far ahead, or the caller wants to run it here and now.

    """
    if options.run_at is None or options.run_at <= now:
        return None
    why = ""
    if options.run_at - now > MAX_AHEAD:
        why = f"must be within {MAX_AHEAD.days} days from now"
    elif options.synchronous:
        why = "is to come: a synchronous run is run here and now"
    if why:
        error = {"loc": ["run_at"], "msg": why, "type": "value_error"}
        raise PayloadError(f"start option 'run_at': {why}", errors=[error])
    return options.run_at


def held_back(hints: list[Hint], record: RunRecord, longest: float) -> list[Hint]:
    """Return the messages for a new run as its `run_at` has it; none if sweeps will tell of it.

    Args:
        hints: the messages for its first steps.
        record: the run as it was created.
        longest: seconds that the broker may hold a message back.

    """
    if record.run_at is None:
        return hints
    delay = max(0.0, (record.run_at - record.created_at).total_seconds())
    return [replace(hint, delay=delay) for hint in hints] if delay <= longest else []


def refuse_other_input(store: WorkflowStore, record: RunRecord, text: Json) -> None:
    """Raise IdempotencyConflictError if the run with the same key has another input."""
    stored = store.load(record.id, run_input=True).input
    # Compared as values: a database may order an object's keys its own way.
    if pydantic_core.from_json(stored) != pydantic_core.from_json(text):
        raise IdempotencyConflictError(
            f"idempotency key {record.idempotency_key!r} was used for run {record.id} "
            "with another input",
            run_id=str(record.id),
        )


def new_run_id() -> UUID:
    """Return a UUID version 7 (RFC 9562, with the clock's fraction of a millisecond in `rand_a`).

    Later runs have greater ids: indexes stay compact, and runs of one instant keep their order.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8)) >> 2
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)


def _context(
    workflow: Workflow[Any, Any], options: StartOptions, config: EngineConfig
) -> Json | None:
    if options.context is None:
        return workflow.context
    what = f"context of workflow {workflow.id!r}"
    return workflow.context_codec.dump(
        options.context, what=what, max_bytes=config.max_payload_bytes
    )


def _concurrency_key(workflow_id: str, options: StartOptions) -> str | None:
    if not options.concurrency_check:
        return None
    if options.resource_id is None:
        raise PayloadError("concurrency_check=True needs a resource_id: it is what is checked")
    # Hashed, so that ids of any length and script fit one indexed column of every database.
    pair = dump_json([workflow_id, options.resource_id], what="resource id")
    return hashlib.sha256(pair.encode()).hexdigest()
