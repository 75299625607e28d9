"""Media at the simulated Twilio, and one attempt to fetch it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_django import Settings

from mediapipe.fetching.attempt import attempt as run_attempt
from mediapipe.models import MediaItem
from mediapipe.providers.base import AnnouncedMedia, InboundMessage, Kind
from mediapipe.simulator import Simulator
from mediapipe.simulator.script import MediaScript
from tests.support import make


def announced(script: MediaScript) -> MediaItem:
    """Record the message or call recording that announces a scripted media item."""
    kind = Kind.RECORDING if script.is_recording else Kind.MESSAGE
    subject_sid = script.sid if script.is_recording else script.parent_sid
    declared = "" if script.is_recording else script.content_type
    media = AnnouncedMedia(script.sid, script.url, script.sid, declared)
    return make.media(
        InboundMessage(kind, "messaging", make.ACCOUNT, subject_sid, (), media=(media,))
    )


def picture(twilio: Simulator, **options: Any) -> MediaItem:
    return announced(twilio.add_message_media(account_sid=make.ACCOUNT, **options))


def attempt(item: MediaItem) -> str:
    """Claim the item, make one attempt, and return its outcome."""
    claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    try:
        outcome = run_attempt(claimed, countdown_allowed=lambda: True)
    finally:
        item.refresh_from_db()
    if outcome.failure is None:
        return "stored"
    waits_in_database = outcome.delay and outcome.countdown_s is None
    return f"retrying: {outcome.failure.slug}" if waits_in_database else outcome.failure.slug


def stored_files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
