"""Runs manage.py as a process, with only those of its variables that a test sets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support import make

ROOT = Path(__file__).resolve().parent.parent.parent
# Empty values count as unset, and override a developer's .env.
NAMES = [
    "DJANGO_SECRET_KEY",
    "DJANGO_DEBUG",
    "DJANGO_ALLOWED_HOSTS",
    "DJANGO_HSTS_SECONDS",
    "MONITORING_TOKEN",
    "PUBLIC_BASE_URL",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "TWILIO_API_KEY",
    "TWILIO_API_SECRET",
    "TWILIO_ACCOUNTS_FILE",
    "TWILIO_API_HOSTS",
    "MEDIA_REDIRECT_HOSTS",
    "MEDIA_ALLOWED_NETWORKS",
    "MEDIA_PROXY",
    "MEDIA_CA_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "STORAGE_URL",
    "MEDIA_ROOT",
    "SPOOL_DIR",
    "RETENTION_DAYS",
    "RETENTION_PAYLOADS_DAYS",
    "RETENTION_ATTEMPTS_DAYS",
    "RETENTION_FILES_DAYS",
    "RETENTION_RESULTS_DAYS",
    "ESCALATION_EMAILS",
    "EMAIL_URL",
    "DEFAULT_FROM_EMAIL",
    "ESCALATION_WEBHOOK_URL",
    "ESCALATION_WEBHOOK_SECRET",
    "ESCALATION_SLACK_URL",
]


def environment(data_dir: Path, **changes: str) -> dict[str, str]:
    """Return an environment with an account, this data folder, and these changes."""
    return {
        **os.environ,
        **dict.fromkeys(NAMES, ""),
        "DATA_DIR": str(data_dir),
        "TWILIO_ACCOUNT_SID": make.ACCOUNT,
        "TWILIO_AUTH_TOKEN": make.TOKEN,
        **changes,
    }


def manage(*arguments: str, data_dir: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end; return its status and output."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data_dir, **changes),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


# All in one process: one process per command would take a minute.
RUN_EACH = """
import contextlib, io, json, sys
from mediapipe.management.main import main
ended = {}
for arguments in json.loads(sys.argv[1]):
    errors = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            main(["manage.py", *arguments])
        status = 0
    except SystemExit as end:
        status = end.code
    except BaseException as bug:
        status = f"Traceback: {bug!r}"
    ended[arguments[0]] = f"{status} {errors.getvalue()}"
print(json.dumps(ended))
"""


def run_each(commands: list[list[str]], tmp_path: Path, **changes: str) -> dict[str, str]:
    """Run the commands; return the exit status or message of each, then its standard error."""
    changes |= {"DJANGO_SETTINGS_MODULE": "mediapipe.settings", "WEB_BIND": "127.0.0.1:0"}
    ended = subprocess.run(
        [sys.executable, "-c", RUN_EACH, json.dumps(commands)],
        cwd=ROOT,
        env=environment(tmp_path, **changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    results: dict[str, str] = json.loads(ended.stdout)
    return results
