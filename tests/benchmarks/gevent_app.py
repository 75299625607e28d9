"""Our application for gevent's pool, where psycopg2 would block every greenlet while it waits."""

from typing import Any

from celery.signals import task_postrun
from django.db import connections
from psycogreen.gevent import patch_psycopg

from mediapipe.celery import app

__all__ = ["app"]

patch_psycopg()


@task_postrun.connect
def _close_connection(**kwargs: Any) -> None:
    """Close the connections: each task runs in a new greenlet, which opens its own."""
    connections.close_all()
