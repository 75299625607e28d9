"""Our application for prefork: `--pool prefork` alone is overridden by the pool in the settings."""

from django.conf import settings

from mediapipe.celery import app

__all__ = ["app"]

settings.CELERY_WORKER_POOL = "prefork"
