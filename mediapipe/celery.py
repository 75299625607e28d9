"""The Celery application: `celery -A mediapipe`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")

# autodiscover_tasks() misses a module that nothing imports; a misspelt name here fails loudly.
app = Celery(
    "mediapipe",
    include=[
        "tasks.fetch_media",
        "mediapipe.queueing.heartbeat",
        "tasks.examine",
        "tasks.redispatch",
        "tasks.close_incidents",
        "tasks.sweep_files",
        "tasks.retry_jobs",
        "tasks.notify",
        "tasks.reconcile",
        "tasks.hand_off",
        "tasks.delete_at_twilio",
        "tasks.check_escalation",
        "tasks.purge",
        "tasks.count",
    ],
)
app.config_from_object("django.conf:settings", namespace="CELERY")


@task_prerun.connect
@task_postrun.connect
def _close_old_connections(task: Task[Any, Any], **kwargs: Any) -> None:
    """Keep this thread's database connection as long as a web request would, if it still works.

    Celery would close it around each task, and the next one would have to connect anew.
    """
    from django.db import close_old_connections

    # One that is called without a message runs on the connection of who calls it.
    if not task.request.is_eager:
        close_old_connections()
