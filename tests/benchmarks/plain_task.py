"""The task that most people write first: Celery with requests, autoretry and a result backend.

Celery's defaults, no rows of its own, no limits, no checks, a new connection for each request:
`celery -A tests.benchmarks.plain_task worker`.
"""

from __future__ import annotations

import os
from pathlib import Path

import requests
from celery import Celery

app = Celery("plain_task", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(
    result_backend="django-db",
    result_extended=True,
    task_serializer="json",
    # As in our app: RabbitMQ confirms each message of a retry.
    broker_transport_options={"confirm_publish": True},
)


@app.task(
    autoretry_for=(requests.RequestException,), retry_backoff=True, retry_kwargs={"max_retries": 5}
)
def fetch(url: str, path: str) -> int:
    """Fetch a media URL into a file; return its size in bytes."""
    credentials = (os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
    response = requests.get(url, auth=credentials, timeout=20)
    response.raise_for_status()
    return Path(path).write_bytes(response.content)


@app.task
def touch(url: str, path: str) -> None:
    """Fetch nothing: this is the cost of Celery and its results, whatever a task does."""
    Path(path).touch()
