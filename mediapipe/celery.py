"""The Celery application: `celery -A mediapipe`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")

# autodiscover_tasks() misses a module that nothing imports; a misspelt name here fails loudly.
app = Celery(
    "mediapipe",
    include=[
        "tasks.fetch_media",
        "tasks.heartbeat",
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
