"""The operations that are measured on databases of different sizes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.models import MediaItem
from mediapipe.simulator import payloads
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS, SignedRequest, sign
from mediapipe.timing import hourly
from tasks.redispatch import redispatch


def webhook() -> SignedRequest:
    """Return a signed webhook with one new picture."""
    picture = payloads.mms(1, account_sid=settings.TWILIO_ACCOUNT_SID)
    return sign(picture, f"http://127.0.0.1{PATHS['messaging']}", AUTH_TOKEN)


def acknowledge(request: SignedRequest) -> None:
    """Send a webhook to the service; raise ValueError unless it responds 200."""
    path, form = PATHS["messaging"], request.headers["Content-Type"]
    answer = superuser_client().post(path, request.body, content_type=form, headers=request.headers)
    if answer.status_code != 200:
        raise ValueError(answer.content.decode())


def waiting() -> list[int]:
    """Return the ids of the items that wait for their first attempt."""
    return list(MediaItem.objects.queued().untried().values_list("pk", flat=True))


def make_due(ids: Sequence[int]) -> None:
    """Make these items due in the next sweep."""
    MediaItem.objects.filter(pk__in=ids).update(sweep_at=timezone.now())


def sweep(least: int = 0) -> None:
    """Publish what is due; raise ValueError if that is fewer than `least` items."""
    if (count := redispatch()) < least:
        raise ValueError(f"A sweep dispatched {count} items; {least} were due.")


def claim(pk: int) -> None:
    """Claim an item for an attempt; raise ValueError if it cannot be claimed."""
    if MediaItem.claim(pk) is None:
        raise ValueError(f"Item {pk} could not be claimed.")


def count_hours() -> None:
    """Count the completed hours, as a running service does every minute."""
    for _ in hourly.count_hours(timezone.now()):
        pass


def blocks() -> int:
    """Return how many blocks PostgreSQL has touched in this database so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def pages() -> dict[str, str]:
    """Return the URLs of the pages that operators use most, by name."""
    media = reverse("admin:mediapipe_mediaitem_changelist")
    return {
        "overview": reverse("admin:index"),
        "media list": media,
        "media list, failed": f"{media}?status__exact=failed",
    }


def visit(url: str) -> None:
    """Request a page; raise ValueError unless the response is a 200."""
    answer = superuser_client().get(url)
    if answer.status_code != 200:
        raise ValueError(f"{url} answers {answer.status_code}")


@cache
def superuser_client() -> Client:
    """Return a client logged in as a superuser."""
    user, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    return client
