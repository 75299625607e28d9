from typing import Any

from django.core.exceptions import ImproperlyConfigured

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def dict_config(log_format: str, level: str) -> dict[str, Any]:
    """Return LOGGING, with text lines or JSON on standard error; raise ImproperlyConfigured."""
    if log_format not in {"text", "json"}:
        raise ImproperlyConfigured("LOG_FORMAT must be text or json, for example LOG_FORMAT=json.")
    if level not in LOG_LEVELS:
        raise ImproperlyConfigured(
            f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}, for example LOG_LEVEL=INFO."
        )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "mediapipe.logs.TextFormatter"},
            "json": {"()": "mediapipe.logs.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": log_format}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # These log every task at INFO; our own lines are enough.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # It logs a traceback, and so a Sentry event, for each wrong host or CSRF token and for
            # too many fields or files. operations/access_log.py logs these at a limited rate.
            "django.security": {"level": "CRITICAL"},
            # At INFO it logs the path of each client that disconnects; its queue warns of each
            # request that waits for a thread.
            "waitress": {"level": "WARNING"},
            "waitress.queue": {"level": "ERROR"},
            # It logs the endpoint of each connection.
            "botocore": {"level": "WARNING"},
            # At WARNING it logs each wrong address: a flood of requests would fill the disk.
            "django.request": {"level": "ERROR"},
        },
    }
