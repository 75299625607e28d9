"""What the settings alone tell: Django's own checks, ours, the time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, run_checks

from mediapipe.management.doctor.findings import Finding, State, fine
from mediapipe.management.doctor.issues import Trouble

# The doctor writes a real file, and sends a real request to the public URL.
SUPERSEDED = {"mediapipe.E002", "mediapipe.W001"}
# Zones without summer time, of which Etc/GMT-1 is one hour east of Greenwich.
FIXED = re.compile(r"Etc/GMT[+-][0-9]+|EST|MST|HST")


def examine() -> Iterator[Finding]:
    """Yield what is wrong with the settings, without asking anybody."""
    tags = ["mediapipe"]
    if settings.PUBLIC_BASE_URL.startswith("https://"):
        # Elsewhere somebody tries things out, and needs neither HSTS nor secure cookies.
        tags.append("security")
    messages = run_checks(tags=tags, include_deployment_checks=True)
    wrong = [message for message in messages if message.id not in SUPERSEDED]
    yield from map(_failed, wrong)
    if not wrong:
        yield fine("the settings go together")
    yield _time_zone()
    if _is_served(Path(settings.MEDIA_ROOT)):
        yield Trouble.MEDIA_PUBLIC.found(settings.MEDIA_ROOT)


def _failed(message: CheckMessage) -> Finding:
    finding = Trouble.CHECK_FAILED.found(
        str(message.id), what=str(message.msg), todo=str(message.hint or "")
    )
    # DEBUG shows strangers the settings, whatever Django calls it.
    grave = message.level >= ERROR or message.id == "security.W018"
    state = State.WRONG if grave else State.LOOK
    return replace(finding, name=str(message.id), state=state, where="")


def _time_zone() -> Finding:
    zone = settings.TIME_ZONE
    if FIXED.fullmatch(zone):
        return Trouble.TIME_ZONE_FIXED.found(zone)
    return fine(f"times are shown in {zone}")


def _is_served(folder: Path) -> bool:
    return not settings.STORAGE_URL and folder.resolve().is_relative_to(
        Path(settings.STATIC_ROOT).resolve()
    )
