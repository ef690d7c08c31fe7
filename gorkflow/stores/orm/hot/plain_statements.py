"""The statements of the plain fast path."""

from __future__ import annotations

from gorkflow.stores.orm.hot.common import STEP_COLUMNS
from gorkflow.stores.orm.hot.spelling import Statement

NAMES = ", ".join((*STEP_COLUMNS, "due_at IS NOT NULL"))
NEW = "run_id, step_id, map_index, position, queue, pending, status"
REST = "failures, crashes, progress, progress_note"
UNLESS_LATE = "(deadline_at IS NULL OR deadline_at > {now})"

# A run whose next step may be taken, and one that ends with its one open sink.
IS_OPEN = f"id = %(run)s AND status = 'RUNNING' AND step_limit IS NULL AND {UNLESS_LATE}"
IS_LAST = "id = %(run)s AND status = 'RUNNING' AND open_sinks = 1 AND run_limit IS NULL"
RUN_WHERE = "SELECT 1 FROM gorkflow_workflowrun WHERE"
END = """
        UPDATE gorkflow_stepexecution
        SET status = %(status)s, output = %(output)s, error = NULL, progress = 1, due_at = NULL,
            ended_at = {now}
        WHERE id = %(row)s AND token = %(token)s AND status = 'RUNNING'"""


class Statements:
    """Texts with `{now}`, `{lease_end}`, `{deadline}` and `{lock}` as each database says them."""

    RUN = Statement("""
        SELECT
            run.id, run.workflow_id, run.workflow_version, run.definition_id, run.status,
            run.priority, run.resource_id, run.idempotency_key, run.tags, run.started_by,
            run.rerun_of_id, run.concurrency_key IS NOT NULL, run.total_steps,
            COALESCE(SUM(step.status IN ('COMPLETED', 'SKIPPED')), 0),
            COALESCE(SUM(step.status = 'FAILED'), 0),
            COALESCE(SUM(CASE WHEN step.status = 'RUNNING' THEN step.progress END), 0),
            run.created_at, run.started_at, run.ended_at, run.deadline_at, run.error
        FROM gorkflow_workflowrun AS run
            LEFT JOIN gorkflow_stepexecution AS step ON step.run_id = run.id
        WHERE run.id = %(run)s
        GROUP BY run.id""")
    TIMES = Statement("""
        SELECT created_at, started_at, deadline_at FROM gorkflow_workflowrun WHERE id = %(run)s""")
    ENDED = Statement("SELECT ended_at FROM gorkflow_workflowrun WHERE id = %(run)s")
    START = Statement("""
        INSERT INTO gorkflow_workflowrun (
            id, workflow_id, workflow_version, definition_id, status, priority, resource_id,
            tags, input, context, started_by, rerun_of_id, total_steps, open_sinks, step_limit,
            timeout, created_at, started_at, deadline_at
        )
        SELECT
            %(run)s, %(workflow_id)s, %(workflow_version)s, fingerprint, %(status)s, %(priority)s,
            %(resource_id)s, %(tags)s, %(input)s, %(context)s, %(started_by)s, %(rerun_of)s,
            %(total_steps)s, %(sinks)s, %(step_limit)s, %(timeout)s, {now},
            CASE WHEN %(status)s = 'RUNNING' THEN {now} END,
            CASE WHEN %(timeout)s IS NOT NULL THEN {deadline} END
        FROM gorkflow_definitionsnapshot WHERE fingerprint = %(fingerprint)s""")
    ADD = Statement(f"""
        INSERT INTO gorkflow_stepexecution (
            {NEW}, worker, attempt, due_at, ready_at, {REST}
        ) VALUES (
            %(run)s, %(step)s, 0, %(position)s, %(queue)s, 0, 'PENDING', '', 0,
            {{now}}, {{now}}, 0, 0, 0, ''
        )""")
    ADD_JOIN = Statement(f"""
        INSERT INTO gorkflow_stepexecution ({NEW}, worker, attempt, {REST})
        VALUES (
            %(run)s, %(step)s, 0, %(position)s, %(queue)s, %(pending)s, 'PENDING', '', 0,
            0, 0, 0, ''
        )""")
    ADD_TAKEN = Statement(f"""
        INSERT INTO gorkflow_stepexecution (
            {NEW}, token, worker, attempt, due_at, ready_at, started_at, {REST}
        ) VALUES (
            %(run)s, %(step)s, 0, %(position)s, %(queue)s, 0, 'RUNNING', %(taker)s, %(worker)s, 1,
            {{lease_end}}, {{now}}, {{now}}, 0, 0, 0, ''
        )""")
    CLAIMABLE_RUN = Statement(f"""
        SELECT status, CASE WHEN status = 'PENDING' THEN input END, priority, workflow_id,
            workflow_version, definition_id
        FROM gorkflow_workflowrun
        WHERE id = %(run)s AND step_limit IS NULL
            AND (status = 'RUNNING' OR (status = 'PENDING' AND run_limit IS NULL))
            AND {UNLESS_LATE}
        {{lock}}""")
    CLAIMABLE = Statement("""
        SELECT 1 FROM gorkflow_workflowrun AS run, gorkflow_stepexecution AS due
        WHERE run.id = %(run)s AND run.status IN ('PENDING', 'RUNNING') AND due.run_id = run.id
            AND due.status IN ('PENDING', 'RETRYING') AND due.due_at <= {now}
        LIMIT 1""")
    OPEN_RUN = Statement(f"""
        SELECT id FROM gorkflow_workflowrun WHERE {IS_OPEN} {{lock}}""")
    LAST_OF_RUN = Statement(f"""
        SELECT id FROM gorkflow_workflowrun WHERE {IS_LAST} {{lock}}""")
    BEGIN = Statement("""
        UPDATE gorkflow_workflowrun
        SET status = 'RUNNING', started_at = COALESCE(started_at, {now})
        WHERE id = %(run)s""")
    CLOSE = Statement("""
        UPDATE gorkflow_workflowrun
        SET status = 'COMPLETED', output = %(output)s, error = NULL, ended_at = {now},
            active_key = NULL, deadline_at = NULL, open_sinks = 0
        WHERE id = %(run)s""")
    DUE = Statement(f"""
        SELECT {NAMES} FROM gorkflow_stepexecution
        WHERE run_id = %(run)s AND status = 'PENDING' AND due_at <= {{now}}
            AND COALESCE(%(queue)s, queue) = queue
        ORDER BY due_at, id LIMIT 2""")
    TAKE = Statement("""
        UPDATE gorkflow_stepexecution
        SET status = 'RUNNING', token = %(taker)s, worker = %(worker)s, attempt = attempt + 1,
            due_at = {lease_end}, started_at = {now}, ended_at = NULL, progress = 0,
            progress_note = ''
        WHERE id = %(row)s""")
    DONE = Statement(END)
    DONE_IN_OPEN = Statement(f"{END} AND EXISTS ({RUN_WHERE} {IS_OPEN})")
    DONE_IN_LAST = Statement(f"{END} AND EXISTS ({RUN_WHERE} {IS_LAST})")
    COUNT_DOWN = Statement("""
        UPDATE gorkflow_stepexecution SET pending = pending - 1
        WHERE run_id = %(run)s AND step_id = %(step)s""")
    OPENED = Statement(f"""
        SELECT {NAMES} FROM gorkflow_stepexecution
        WHERE run_id = %(run)s AND step_id = %(step)s AND pending = 0 AND status = 'PENDING'
            AND due_at IS NULL""")
    OPEN = Statement("""
        UPDATE gorkflow_stepexecution SET due_at = {now}, ready_at = {now} WHERE id = %(row)s""")
