from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, run_checks

from mediapipe.management.doctor.findings import Finding, Level, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.settings import secret_files

# The doctor tests more than these do: it writes a real file, and sends requests to the public URL.
SUPERSEDED = {"mediapipe.E002", "mediapipe.W001"}
# Zones without daylight saving time. Etc/GMT-1 is one hour *east* of Greenwich (POSIX signs).
FIXED_OFFSET_ZONE = re.compile(r"Etc/GMT[+-][0-9]+|EST|MST|HST")

# The permission bits of the group and of everyone else.
OTHERS = 0o077


def check_settings() -> Iterator[Finding]:
    """Yield what the settings alone show, without any connection."""
    tags = ["mediapipe"]
    if settings.PUBLIC_BASE_URL.startswith("https://"):
        # Without https it is a trial, which needs neither HSTS nor secure cookies.
        tags.append("security")
    messages = run_checks(tags=tags, include_deployment_checks=True)
    failed = [message for message in messages if message.id not in SUPERSEDED]
    yield from map(_as_finding, failed)
    if not failed:
        yield ok("the settings are consistent")
    zone = settings.TIME_ZONE
    if FIXED_OFFSET_ZONE.fullmatch(zone):
        yield Issue.TIME_ZONE_FIXED.found(zone)
    else:
        yield ok(f"times are shown in {zone}")
    static, media = Path(settings.STATIC_ROOT).resolve(), Path(settings.MEDIA_ROOT).resolve()
    if not settings.STORAGE_URL and media.is_relative_to(static):
        yield Issue.MEDIA_PUBLIC.found(settings.MEDIA_ROOT)
    yield from _check_modes()


def _check_modes() -> Iterator[Finding]:
    """Yield each file or folder that other local users can read, except in a private DATA_DIR."""
    named: dict[str, str | Path] = {
        ".env": settings.BASE_DIR / ".env",
        "TWILIO_ACCOUNTS_FILE": settings.TWILIO_ACCOUNTS_FILE,
        "DATA_DIR": settings.DATA_DIR,
        "SPOOL_DIR": settings.SPOOL_DIR,
        "MEDIA_ROOT": "" if settings.STORAGE_URL else settings.MEDIA_ROOT,
    }
    for secret, file in secret_files.paths(os.environ).items():
        # Docker and systemd choose the mode of secrets there, which other users cannot reach.
        if not file.is_relative_to("/run"):
            named[f"{secret}_FILE"] = file
    data = Path(settings.DATA_DIR)
    private = data.stat().st_mode & OTHERS == 0
    for name, path in named.items():
        inside = private and Path(path).resolve().is_relative_to(data)
        if path and not inside and Path(path).exists() and Path(path).stat().st_mode & OTHERS:
            yield Issue.READABLE_BY_OTHERS.found(f"{name} {path}")


def _as_finding(message: CheckMessage) -> Finding:
    # W018 is DEBUG=True, which shows our settings to strangers; Django only warns about it.
    is_error = message.level >= ERROR or message.id == "security.W018"
    return replace(
        Issue.CHECK_FAILED.found(message=str(message.msg), remedy=str(message.hint or "")),
        name=str(message.id),
        level=Level.ERROR if is_error else Level.WARNING,
    )
