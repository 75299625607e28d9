from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery, Task
from celery.signals import task_failure, task_postrun, task_prerun
from django.db.utils import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

# A task that sets its own `throws` includes these.
DATABASE_AWAY = (OperationalError, InterfaceError)

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
        "tasks.bulk_jobs",
        "tasks.notify",
        "tasks.reconcile",
        "tasks.read_routes",
        "tasks.hand_off",
        "tasks.gateway",
        "tasks.delete_at_twilio",
        "tasks.check_escalation",
        "tasks.purge",
        "tasks.count",
        "tasks.count_hours",
        "tasks.ping",
    ],
)
app.config_from_object("django.conf:settings", namespace="CELERY")
# If the database is unavailable, the next run of the task or the dispatcher catches up, so Celery
# logs no traceback for these errors and Sentry gets no event.
app.Task.throws = DATABASE_AWAY


@task_failure.connect
def _log_outage(sender: Task[Any, Any], exception: BaseException, **kwargs: Any) -> None:
    # Celery itself logs an expected error only at INFO, where it would go unnoticed.
    if isinstance(exception, DATABASE_AWAY):
        logger.warning("%s: the database is unavailable", sender.name)


@task_prerun.connect
@task_postrun.connect
def _close_old_connections(task: Task[Any, Any], **kwargs: Any) -> None:
    # CELERY_DB_REUSE_MAX stops Celery from closing the connection around each task. This closes it
    # as Django does between requests: after CONN_MAX_AGE or an error.
    from django.db import close_old_connections

    # An eager task runs on its caller's connection.
    if not task.request.is_eager:
        close_old_connections()
