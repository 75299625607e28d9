from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")

# autodiscover_tasks() misses modules that nothing imports, and ignores names that do not exist.
app = Celery(
    "mediapipe",
    include=[
        "tasks.fetch_media",
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
    # CELERY_DB_REUSE_MAX stops Celery from closing the connection around each task. This closes it
    # as Django does between requests: after CONN_MAX_AGE or an error.
    from django.db import close_old_connections

    # An eager task runs on its caller's connection.
    if not task.request.is_eager:
        close_old_connections()
