"""What several commands take: a period, given as two ISO 8601 times."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from mediapipe.models import MediaItem
from mediapipe.models.media.item import MediaQuerySet


def moment(text: str) -> datetime:
    """Return an ISO 8601 time as UTC; one without an offset is taken as UTC."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if timezone.is_aware(at) else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # Only this kind of error becomes one line on the command line.
        raise ArgumentTypeError(
            f"{text!r} is no ISO 8601 time; write for example 2026-01-31T12:00:00+00:00."
        ) from None


def add_period(parser: ArgumentParser, *, required: bool = False) -> None:
    """Add --since, which may be required, and --until."""
    parser.add_argument(
        "--since", type=moment, required=required, help="received at or after this ISO 8601 time"
    )
    parser.add_argument("--until", type=moment, help="received before this ISO 8601 time")


def media_of_period(options: dict[str, Any]) -> MediaQuerySet:
    """Return the media items that came in between --since and --until."""
    media = MediaItem.objects.all()
    if options["since"]:
        media = media.filter(received_at__gte=options["since"])
    if options["until"]:
        media = media.filter(received_at__lt=options["until"])
    return media
