import re
import warnings
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from getpass import GetPassWarning
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from mediapipe.failures import Failure
from mediapipe.management.progress import track
from mediapipe.models import MediaItem
from mediapipe.models.bulk_jobs import BATCH
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.manual_control import clean_reason, known_accounts
from mediapipe.settings.values import duration_s
from mediapipe.timing.period import LATEST, InvalidPeriod, parse_time

# For the help of every option that takes a time.
TIME_FORMS = "24h or 7d ago, today, yesterday or an ISO 8601 time (in TIME_ZONE without an offset)"
LATER_FORMS = "in 24h or 90d, or an ISO 8601 time (in TIME_ZONE without an offset)"
DURATION = re.compile(r"[0-9.]+[smhd]")
SLUGS = sorted(failure.slug for failure in Failure.all())
DAYS_AGO = {"today": 0, "yesterday": 1}


def point_in_time(text: str) -> datetime:
    """Parse one of TIME_FORMS into aware UTC; a day means its first moment in TIME_ZONE."""
    try:
        if DURATION.fullmatch(text):
            return timezone.now() - timedelta(seconds=duration_s(text))
        if text in DAYS_AGO:
            midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
            return (midnight - timedelta(days=DAYS_AGO[text])).astimezone(UTC)
        return parse_time(text)
    except (InvalidPeriod, ValueError, OverflowError):
        # argparse prints the message only of an ArgumentTypeError.
        raise ArgumentTypeError(
            f"{text!r} is not a time; use the form 2026-01-31T12:00:00+00:00, or 24h, 7d, today or "
            "yesterday."
        ) from None


def later(text: str) -> datetime:
    """Parse one of LATER_FORMS into an aware time in the future."""
    try:
        now = timezone.now()
        is_duration = DURATION.fullmatch(text)
        at = now + timedelta(seconds=duration_s(text)) if is_duration else parse_time(text)
        if at > LATEST:
            raise InvalidPeriod
    except (InvalidPeriod, ValueError, OverflowError):
        raise ArgumentTypeError(
            f"{text!r} is not a time before {LATEST:%Y}; use a duration such as 24h or 90d, or the "
            "form 2027-01-31T12:00:00+00:00."
        ) from None
    if at <= now:
        raise ArgumentTypeError(f"{text!r} is not in the future.")
    return at


def positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise ArgumentTypeError(f"{text!r} is not a number above zero.")
    return value


def add_period(parser: ArgumentParser, *, required: bool = False, what: str = "received") -> None:
    """Add --since and --until, which `check_period` and `media_of_period` read."""
    parser.add_argument(
        "--since",
        type=point_in_time,
        required=required,
        metavar="TIME",
        help=f"{what} at or after: {TIME_FORMS}",
    )
    parser.add_argument(
        "--until",
        type=point_in_time,
        metavar="TIME",
        help=f"{what} before, in the same forms",
    )


def check_period(options: dict[str, Any]) -> None:
    """Raise CommandError if --since is in the future, or not before --until."""
    since, until = options["since"], options["until"]
    if since and since > timezone.now():
        raise CommandError(f"--since is in the future: {since.isoformat()}.")
    if since and until and since >= until:
        raise CommandError("--since must be before --until; swap them.")


def media_of_period(options: dict[str, Any]) -> MediaQuerySet:
    """Return the media items received at or after --since and before --until."""
    check_period(options)
    media = MediaItem.objects.all()
    if options["since"]:
        media = media.filter(received_at__gte=options["since"])
    if options["until"]:
        media = media.filter(received_at__lt=options["until"])
    return media


def filter_by_account(media: MediaQuerySet, options: dict[str, Any]) -> MediaQuerySet:
    """Apply --account, if given; raise CommandError if that account has no media items at all."""
    sid = options["account"]
    if not sid:
        return media
    if not MediaItem.objects.filter(account_sid=sid).exists():
        raise CommandError(f"There are no media items of account {sid}.")
    return media.filter(account_sid=sid)


def add_filters(parser: ArgumentParser) -> None:
    """Add the options that choose media items, which `filtered_media` reads, and --dry-run."""
    add_period(parser)
    parser.add_argument("--error", choices=SLUGS, metavar="SLUG", help="only this failure")
    parser.add_argument("--account", metavar="SID", help="only this account")
    parser.add_argument("--dry-run", action="store_true", help="print the count, change nothing")


def filtered_media(options: dict[str, Any]) -> MediaQuerySet:
    """Return the media items that the options of `add_filters` choose; raise CommandError."""
    media = filter_by_account(media_of_period(options), options)
    return media.filter(error=options["error"]) if options["error"] else media


def in_batches(ids: Sequence[int], what: str) -> Iterator[MediaQuerySet]:
    """Yield the media items with these ids in batches, and show the progress on standard error."""
    starts = range(0, len(ids), BATCH)
    for start in track(starts, what, total=len(starts)):
        yield MediaItem.objects.filter(pk__in=ids[start : start + BATCH])


def add_by(parser: ArgumentParser) -> None:
    """Add --by, which `responsible_user` reads."""
    parser.add_argument("--by", metavar="USERNAME", help="the admin user named in the audit trail")


def add_reason(parser: ArgumentParser) -> None:
    """Add --by and --reason, which `responsible_user` and `reason_of` read."""
    add_by(parser)
    parser.add_argument("--reason", default="", help="shown on pages and in the audit trail")


def responsible_user(options: dict[str, Any]) -> User:
    """Return the user whom the audit trail names; raise CommandError if there is none."""
    name = options["by"]
    if not name:
        raise CommandError("--by must name an admin user, who is recorded in the audit trail.")
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"--by: there is no user {name!r}.")
    return user


def reason_of(options: dict[str, Any]) -> str:
    """Return the reason as it is recorded; raise CommandError if there is none."""
    try:
        return clean_reason(options["reason"])
    except ValueError as error:
        raise CommandError(f"--reason: {error}") from None


def known_account(sid: str) -> str:
    """Return the SID; raise CommandError for an account that has no credentials and no media."""
    if sid not in known_accounts():
        raise CommandError(f"There are no credentials and no media items of account {sid}.")
    return sid


def answer(prompt: str, ask: Callable[[str], str] | None = None) -> str:
    """Return what the user types; raise CommandError if standard input is closed."""
    try:
        with warnings.catch_warnings():
            # getpass also prints that the password may be echoed.
            warnings.simplefilter("ignore", GetPassWarning)
            return (ask or input)(prompt)
    except EOFError:
        raise CommandError("Nothing was done: there is no answer on standard input.") from None
