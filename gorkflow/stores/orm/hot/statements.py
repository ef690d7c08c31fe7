"""The statements of PostgreSQL's fast path.

The parts of a statement see the same snapshot, so each one that writes depends on the one before
it: the run's lock first, then the step by its token, then what follows. A part that had to wait
for a lock judges the row as it is by then.
"""

from __future__ import annotations

from functools import lru_cache

from gorkflow.stores.orm.hot.common import STEP_COLUMNS
from gorkflow.stores.orm.hot.prepared import Statement

NOW = "STATEMENT_TIMESTAMP()"
LEASE_END = f"{NOW} + %(lease)s * INTERVAL '1 second'"
ROW = ", ".join(f"step.{name}" for name in STEP_COLUMNS) + ", step.due_at IS NOT NULL"
NAMES = ", ".join((*STEP_COLUMNS, "is_due"))

TAKE = f"""
    status = 'RUNNING', token = %(taker)s, worker = %(worker)s, attempt = step.attempt + 1,
    due_at = {LEASE_END}, started_at = {NOW}, ended_at = NULL, progress = 0, progress_note = ''
"""

END = """
    UPDATE gorkflow_stepexecution AS step
    SET status = %(status)s, output = %(output)s::json, error = NULL, progress = 1,
        due_at = NULL, ended_at = STATEMENT_TIMESTAMP()
    FROM run
    WHERE step.id = %(row)s AND step.token = %(token)s AND step.status = 'RUNNING'
"""
DONE = f"done (run_id, {NAMES}) AS ({END} RETURNING step.run_id, {ROW})"

# Times alone, as microseconds since 1970: the driver would look for a reader of times, and for the
# time zone, for each row of them.
MICROSECONDS = "(EXTRACT(EPOCH FROM {time}) * 1000000)::bigint"

# By its key, in a small table too: in the index of the status all that has run lies about until
# somebody vacuums.
IS_RUNNING = "(status = 'RUNNING') IS TRUE"

# A cancel waits for the shared lock; a run with two joins is locked by one finish at a time, or
# two of them could wait for each other's join.
OPEN_RUN = f"""
run AS (
    SELECT id FROM gorkflow_workflowrun
    WHERE id = %(run)s AND {IS_RUNNING} AND step_limit IS NULL
        AND (deadline_at IS NULL OR deadline_at > {NOW})
    FOR {{lock}}
)
"""

ADDED = f"""
added ({NAMES}) AS (
    INSERT INTO gorkflow_stepexecution AS step (
        run_id, step_id, map_index, position, queue, pending, status, token, worker, attempt,
        due_at, ready_at, started_at, failures, crashes, progress, progress_note
    )
    SELECT
        done.run_id, new.step_id, 0, new.position, new.queue, 0,
        CASE WHEN new.taken THEN 'RUNNING' ELSE 'PENDING' END,
        CASE WHEN new.taken THEN %(taker)s::uuid END,
        CASE WHEN new.taken THEN %(worker)s ELSE '' END,
        CASE WHEN new.taken THEN 1 ELSE 0 END,
        CASE WHEN new.taken THEN {LEASE_END} ELSE {NOW} END,
        {NOW},
        CASE WHEN new.taken THEN {NOW} END,
        0, 0, 0, ''
    FROM done, UNNEST(
        %(ids)s::text[], %(positions)s::int[], %(queues)s::text[], %(takes)s::boolean[]
    ) AS new (step_id, position, queue, taken)
    RETURNING {ROW}
)
"""
# Opened by the last parent: then due and, if the taker may have it, taken.
OPENS = "step.pending = 1 AND step.status = 'PENDING' AND step.due_at IS NULL"
TAKEN = f"{OPENS} AND step.step_id = %(join)s AND COALESCE(%(queue)s, step.queue) = step.queue"
COUNTED = f"""
counted ({NAMES}) AS (
    UPDATE gorkflow_stepexecution AS step
    SET pending = step.pending - 1,
        status = CASE WHEN {TAKEN} THEN 'RUNNING' ELSE step.status END,
        token = CASE WHEN {TAKEN} THEN %(taker)s ELSE step.token END,
        worker = CASE WHEN {TAKEN} THEN %(worker)s ELSE step.worker END,
        attempt = CASE WHEN {TAKEN} THEN step.attempt + 1 ELSE step.attempt END,
        due_at = CASE WHEN {TAKEN} THEN {LEASE_END} WHEN {OPENS} THEN {NOW} ELSE step.due_at END,
        ready_at = CASE WHEN {OPENS} THEN {NOW} ELSE step.ready_at END,
        started_at = CASE WHEN {TAKEN} THEN {NOW} ELSE step.started_at END,
        ended_at = CASE WHEN {TAKEN} THEN NULL ELSE step.ended_at END
    FROM done
    WHERE step.run_id = done.run_id AND {{which}}
    RETURNING {ROW}
)
"""
# With an array the server would plan anew each time: it takes its length for a reason to.
ONE_JOIN = "step.step_id = %(joined)s"
SOME_JOINS = "step.step_id IN (SELECT JSON_ARRAY_ELEMENTS_TEXT(%(joins)s::json))"

SIBLING = f"""
sibling ({NAMES}) AS (
    UPDATE gorkflow_stepexecution AS step
    SET {TAKE}
    WHERE step.id = (
        SELECT due.id FROM gorkflow_stepexecution AS due
        WHERE due.run_id = %(run)s AND due.status = 'PENDING' AND due.due_at <= {NOW}
            AND COALESCE(%(queue)s, due.queue) = due.queue AND EXISTS (SELECT 1 FROM done)
        ORDER BY due.due_at LIMIT 1
        FOR UPDATE OF due SKIP LOCKED
    ) {{unless}}
    RETURNING {ROW}
)
"""
UNLESS_JOINED = "AND NOT EXISTS (SELECT 1 FROM counted WHERE status = 'RUNNING')"

# In a chain: the step is over, and the one that follows is the taker's.
FOLLOW = Statement(f"""
WITH {OPEN_RUN.format(lock="SHARE")}, done AS ({END} RETURNING step.run_id), added AS (
    INSERT INTO gorkflow_stepexecution AS step (
        run_id, step_id, map_index, position, queue, pending, status, token, worker, attempt,
        due_at, ready_at, started_at, failures, crashes, progress, progress_note
    )
    SELECT
        run_id, %(next)s, 0, %(position)s, %(next_queue)s, 0, 'RUNNING', %(taker)s, %(worker)s, 1,
        {LEASE_END}, {NOW}, {NOW}, 0, 0, 0, ''
    FROM done
    RETURNING step.id
)
SELECT id FROM added
""")

CLOSED = Statement(f"""
WITH run AS (
    SELECT id FROM gorkflow_workflowrun
    WHERE id = %(run)s AND {IS_RUNNING} AND open_sinks = 1 AND run_limit IS NULL
    FOR NO KEY UPDATE
), done AS ({END} RETURNING step.run_id), closed AS (
    UPDATE gorkflow_workflowrun AS run
    SET status = 'COMPLETED', output = %(run_output)s::json, error = NULL, ended_at = {NOW},
        active_key = NULL, deadline_at = NULL, open_sinks = 0
    FROM done WHERE run.id = done.run_id
    RETURNING run.ended_at
)
SELECT {MICROSECONDS.format(time="ended_at")} FROM closed
""")

CLAIM = Statement(f"""
WITH run AS (
    SELECT id, status, priority, workflow_id, workflow_version, definition_id,
        CASE WHEN status = 'PENDING' THEN input::text END AS input
    FROM gorkflow_workflowrun AS run
    WHERE id = %(run)s AND step_limit IS NULL
        AND (status = 'RUNNING' OR (status = 'PENDING' AND run_limit IS NULL))
        AND (deadline_at IS NULL OR deadline_at > {NOW})
        AND EXISTS (
            SELECT 1 FROM UNNEST(%(ids)s::text[], %(versions)s::text[], %(graphs)s::text[])
                AS known (id, version, graph)
            WHERE known.id = run.workflow_id AND known.version = run.workflow_version
                AND known.graph = run.definition_id
        )
    FOR NO KEY UPDATE
), taken ({NAMES}) AS (
    UPDATE gorkflow_stepexecution AS step
    SET {TAKE}
    WHERE step.id = (
        SELECT due.id FROM gorkflow_stepexecution AS due, run
        WHERE due.run_id = %(run)s AND due.status = 'PENDING' AND due.due_at <= {NOW}
            AND COALESCE(%(queue)s, due.queue) = due.queue
        ORDER BY due.due_at LIMIT 1
        FOR UPDATE OF due
    )
    RETURNING {ROW}
), begun AS (
    UPDATE gorkflow_workflowrun AS begun
    SET status = 'RUNNING', started_at = COALESCE(begun.started_at, {NOW})
    FROM run, taken WHERE begun.id = run.id AND run.status = 'PENDING'
)
SELECT run.status, run.input, run.priority, run.workflow_id, run.workflow_version,
    run.definition_id,
    EXISTS (
        SELECT 1 FROM gorkflow_stepexecution AS due
        WHERE due.run_id = %(run)s AND due.status = 'PENDING' AND due.due_at <= {NOW}
            AND COALESCE(%(queue)s, due.queue) = due.queue AND due.id <> taken.id
    ),
    taken.*
FROM run, taken
""")

# Of a run that the statement above leaves alone: is there anything that somebody could claim?
IDLE = Statement(f"""
SELECT NOT EXISTS (
    SELECT 1 FROM gorkflow_workflowrun AS run, gorkflow_stepexecution AS due
    WHERE run.id = %(run)s AND run.status IN ('PENDING', 'RUNNING') AND due.run_id = run.id
        AND due.status IN ('PENDING', 'RETRYING') AND due.due_at <= {NOW}
)
""")

NEW_RUN = f"""
snapshot AS (
    SELECT fingerprint FROM gorkflow_definitionsnapshot WHERE fingerprint = %(fingerprint)s
    FOR KEY SHARE
), run AS (
    INSERT INTO gorkflow_workflowrun (
        id, workflow_id, workflow_version, definition_id, status, started_at, priority,
        resource_id, idempotency_key, concurrency_key, active_key, tags, input, context,
        started_by, rerun_of_id, total_steps, open_sinks, step_limit, timeout, created_at,
        deadline_at
    )
    SELECT
        %(run)s, %(workflow_id)s, %(workflow_version)s, fingerprint, {{status}}, {{began}},
        %(priority)s, %(resource_id)s, %(idempotency_key)s, %(concurrency_key)s,
        %(concurrency_key)s, %(tags)s::jsonb, %(input)s::json, %(context)s::json, %(started_by)s,
        %(rerun_of)s, %(total_steps)s, %(sinks)s, %(step_limit)s, %(timeout)s, {NOW},
        {NOW} + %(timeout)s::double precision * INTERVAL '1 second'
    FROM snapshot
    ON CONFLICT DO NOTHING
    RETURNING id, created_at, started_at, deadline_at
)
"""
NEW_STEPS = """
    FROM run, UNNEST(
        %(ids)s::text[], %(positions)s::int[], %(queues)s::text[], %(pendings)s::int[]
    ) AS new (step_id, position, queue, pending)
"""

START = Statement(f"""
WITH {NEW_RUN.format(status="'PENDING'", began="NULL::timestamptz")}, steps AS (
    INSERT INTO gorkflow_stepexecution (
        run_id, step_id, map_index, position, queue, pending, status, due_at, ready_at,
        worker, attempt, failures, crashes, progress, progress_note
    )
    SELECT
        run.id, new.step_id, 0, new.position, new.queue, new.pending, 'PENDING',
        CASE WHEN new.pending = 0 THEN {NOW} END, CASE WHEN new.pending = 0 THEN {NOW} END,
        '', 0, 0, 0, 0, ''
    {NEW_STEPS}
)
SELECT {MICROSECONDS.format(time="created_at")}, {MICROSECONDS.format(time="deadline_at")} FROM run
""")

# The same, and the first of the steps is the taker's.
BEGIN = Statement(f"""
WITH {NEW_RUN.format(status="'RUNNING'", began=NOW)}, steps ({NAMES}) AS (
    INSERT INTO gorkflow_stepexecution AS step (
        run_id, step_id, map_index, position, queue, pending, status, token, worker, attempt,
        due_at, ready_at, started_at, failures, crashes, progress, progress_note
    )
    SELECT
        run.id, new.step_id, 0, new.position, new.queue, new.pending,
        CASE WHEN mine.taken THEN 'RUNNING' ELSE 'PENDING' END,
        CASE WHEN mine.taken THEN %(taker)s END,
        CASE WHEN mine.taken THEN %(worker)s ELSE '' END,
        CASE WHEN mine.taken THEN 1 ELSE 0 END,
        CASE WHEN mine.taken THEN {LEASE_END} WHEN new.pending = 0 THEN {NOW} END,
        CASE WHEN new.pending = 0 THEN {NOW} END,
        CASE WHEN mine.taken THEN {NOW} END,
        0, 0, 0, ''
    {NEW_STEPS} CROSS JOIN LATERAL (SELECT new.step_id = %(first)s) AS mine (taken)
    RETURNING {ROW}
)
SELECT created_at, started_at, deadline_at, steps.* FROM run, steps WHERE steps.status = 'RUNNING'
""")

RUN = Statement("""
SELECT
    run.id, run.workflow_id, run.workflow_version, run.definition_id, run.status, run.priority,
    run.resource_id, run.idempotency_key, run.tags::text, run.started_by, run.rerun_of_id,
    run.concurrency_key IS NOT NULL, run.total_steps, steps.done, steps.failed, steps.running,
    run.created_at, run.started_at, run.ended_at, run.deadline_at, run.error::text
FROM gorkflow_workflowrun AS run
    CROSS JOIN LATERAL (
        SELECT COUNT(*) FILTER (WHERE status IN ('COMPLETED', 'SKIPPED')),
            COUNT(*) FILTER (WHERE status = 'FAILED'),
            COALESCE(SUM(progress) FILTER (WHERE status = 'RUNNING'), 0)
        FROM gorkflow_stepexecution AS step WHERE step.run_id = run.id
    ) AS steps (done, failed, running)
WHERE run.id = %(run)s
""")


@lru_cache(maxsize=64)
def finish_statement(*, adds: bool, joins: int, looks: bool) -> Statement:
    """Return the statement for a step that leaves its run open.

    Args:
        adds: whether it inserts steps that are ready by it.
        joins: the number of steps on which it counts a parent down.
        looks: whether the taker wants another step of the run.

    """
    parts = [OPEN_RUN.format(lock="NO KEY UPDATE" if joins > 1 else "SHARE"), DONE]
    names = ["done"]
    if adds:
        parts.append(ADDED)
        names.append("added")
    if joins:
        parts.append(COUNTED.format(which=ONE_JOIN if joins == 1 else SOME_JOINS))
        names.append("counted")
    if looks:
        parts.append(SIBLING.format(unless=UNLESS_JOINED if joins else ""))
        names.append("sibling")
    changed = " UNION ALL ".join(f"SELECT {NAMES} FROM {name}" for name in names)
    return Statement(f"WITH {','.join(parts)} {changed}")
