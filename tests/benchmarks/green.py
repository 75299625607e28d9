"""Our application for gevent's pool, where psycopg2 would hold up everybody while it waits."""

from typing import Any

from celery.signals import task_postrun
from django.db import connections
from psycogreen.gevent import patch_psycopg

from mediapipe.celery import app

__all__ = ["app"]

patch_psycopg()


@task_postrun.connect
def _close_connection(**kwargs: Any) -> None:
    """Leave no connection behind: each task is a greenlet of its own, which takes it to its end."""
    connections.close_all()
