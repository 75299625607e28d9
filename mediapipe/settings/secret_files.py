"""Secrets in files: NAME_FILE names a file with the value of NAME, as in the images of Docker Hub.

django-environ's FileAwareEnv would treat every NAME_FILE as a secret, silently prefer the file if
both are set, and raise a traceback for a missing file.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# Every setting that is a secret or may contain a password. Error pages hide them as well.
SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "CELERY_BROKER_PASSWORD",
    "CELERY_BROKER_URL",
    "DATABASE_PASSWORD",
    "DATABASE_URL",
    "DJANGO_SECRET_KEY",
    "EMAIL_URL",
    "ESCALATION_SLACK_URL",
    "ESCALATION_WEBHOOK_SECRET",
    "ESCALATION_WEBHOOK_URL",
    "HANDOFF_WEBHOOK_SECRET",
    "HANDOFF_WEBHOOK_URL",
    "MEDIA_PROXY",
    "MONITORING_TOKEN",
    "PING_URL",
    "PUBLIC_BASE_URL",
    "SENTRY_DSN",
    "TWILIO_API_SECRET",
    "TWILIO_AUTH_TOKEN",
)


def with_secret_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the value of each secret that is in a file.

    It is a copy, because every process that we start inherits os.environ. Raise
    ImproperlyConfigured if a secret is given twice or its file does not have exactly one line; the
    message never shows a secret.
    """
    named = paths(environ)
    for name in named:
        if environ.get(name, "").strip():
            raise ImproperlyConfigured(
                f"{name} and {name}_FILE are both set, in the environment or in .env; remove one."
            )
    read = {name: _value(f"{name}_FILE", path) for name, path in named.items()}
    return {**environ, **read}


def paths(environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the path of each secret that is in a file, by the secret's name."""
    named = {name: environ.get(f"{name}_FILE", "").strip() for name in SECRETS}
    return {name: Path(path) for name, path in named.items() if path}


def _value(variable: str, path: Path) -> str:
    """Return the one line of a secret's file, without the line break that editors append."""
    try:
        value = path.read_text("utf-8").strip()
        fault = "" if len(value.splitlines()) == 1 else "must have one line, the secret"
    except UnicodeDecodeError:
        fault = "is not text in UTF-8"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    if fault:
        raise ImproperlyConfigured(
            f"{variable} names {path}, which {fault}. Write the secret into this file, "
            f"readable for the user ID {os.geteuid()}, or unset {variable}."
        )
    return value
