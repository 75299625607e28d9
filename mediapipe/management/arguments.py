from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from mediapipe.models import MediaItem
from mediapipe.models.media.item import MediaQuerySet


def iso_time(text: str) -> datetime:
    """Parse an ISO 8601 time into aware UTC; without an offset it is UTC already."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if timezone.is_aware(at) else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # argparse prints the message of this error only.
        raise ArgumentTypeError(
            f"{text!r} is not an ISO 8601 time; use the form 2026-01-31T12:00:00+00:00."
        ) from None


def add_period(parser: ArgumentParser, *, required: bool = False) -> None:
    """Add --since and --until, which `media_of_period` reads."""
    parser.add_argument(
        "--since", type=iso_time, required=required, help="received at or after this ISO 8601 time"
    )
    parser.add_argument("--until", type=iso_time, help="received before this ISO 8601 time")


def media_of_period(options: dict[str, Any]) -> MediaQuerySet:
    """Return the media items received at or after --since and before --until."""
    media = MediaItem.objects.all()
    if options["since"]:
        media = media.filter(received_at__gte=options["since"])
    if options["until"]:
        media = media.filter(received_at__lt=options["until"])
    return media


def filter_by_account(media: MediaQuerySet, options: dict[str, Any]) -> MediaQuerySet:
    """Apply --account, if given."""
    return media.filter(account_sid=options["account"]) if options["account"] else media
