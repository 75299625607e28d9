"""Our application for prefork: `--pool prefork` yields to the pool that the settings name."""

from django.conf import settings

from mediapipe.celery import app

__all__ = ["app"]

settings.CELERY_WORKER_POOL = "prefork"
