"""The operations that are measured on databases of different sizes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.models import MediaItem
from mediapipe.simulator import payloads
from mediapipe.simulator.script import AUTH_TOKEN
from mediapipe.simulator.webhooks import PATHS, SignedRequest, sign
from tasks.redispatch import redispatch


def webhook() -> SignedRequest:
    """Return a signed webhook with one new picture."""
    picture = payloads.mms(1, account_sid=settings.TWILIO_ACCOUNT_SID)
    return sign(picture, f"http://127.0.0.1{PATHS['messaging']}", AUTH_TOKEN)


def acknowledge(request: SignedRequest) -> None:
    """Let the service take a webhook in; raise ValueError unless it does."""
    path, form = PATHS["messaging"], request.headers["Content-Type"]
    answer = person().post(path, request.body, content_type=form, headers=request.headers)
    if answer.status_code != 200:
        raise ValueError(answer.content.decode())


def waiting() -> list[int]:
    """Return the ids of the items that wait for their first attempt."""
    return list(MediaItem.objects.queued().untried().values_list("pk", flat=True))


def let_be_due(ids: Sequence[int]) -> None:
    """Let the next sweep hand these out."""
    MediaItem.objects.filter(pk__in=ids).update(sweep_at=timezone.now())


def sweep(least: int = 0) -> None:
    """Publish what is due; raise ValueError if that is less than there must be."""
    if (count := redispatch()) < least:
        raise ValueError(f"A sweep handed out {count} items, and {least} were due.")


def claim(pk: int) -> None:
    """Take an item for an attempt; raise ValueError if it is not to be had."""
    if MediaItem.claim(pk) is None:
        raise ValueError(f"The item {pk} is not to be had.")


def pages() -> dict[str, str]:
    """Return the URLs of the pages that an operator looks at most."""
    media = reverse("admin:mediapipe_mediaitem_changelist")
    return {
        "overview": reverse("admin:index"),
        "media list": media,
        "media list, failed": f"{media}?status__exact=failed",
    }


def visit(url: str) -> None:
    """Request a page; raise ValueError if there is none."""
    answer = person().get(url)
    if answer.status_code != 200:
        raise ValueError(f"{url} answers {answer.status_code}")


@cache
def person() -> Client:
    """Return a client that may see everything."""
    user, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    return client
