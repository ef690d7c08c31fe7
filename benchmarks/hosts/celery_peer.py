"""A Celery project of its own, set up for speed as Celery's "Optimizing" guide has it.

Short tasks get a large prefetch window, messages are transient, events and gossip are off, and
acknowledgement is early (the default). No Django, so nothing is done between two tasks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from celery import Celery

PREFETCH = 128

app = Celery(
    "peer",
    broker=os.environ["CELERY_BROKER_URL"],
    backend=os.environ["GORKFLOW_BENCH_RESULTS"],
)
app.conf.update(
    task_default_queue=os.environ["GORKFLOW_BENCH_QUEUE"],
    task_default_delivery_mode="transient",
    worker_prefetch_multiplier=PREFETCH,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    task_serializer="json",
    accept_content=["json"],
)


@app.task
def add(value: int) -> int:
    return value + 1


@app.task
def total(values: Sequence[int]) -> int:
    return sum(values)


@app.task
def carry(parcel: Mapping[str, object]) -> dict[str, object]:
    return {"text": parcel["text"], "number": int(str(parcel["number"])) + 1}


@app.task
def gather(parcels: Sequence[Mapping[str, object]]) -> dict[str, object]:
    number = sum(int(str(each["number"])) for each in parcels)
    return {"text": parcels[0]["text"], "number": number}
