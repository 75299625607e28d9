"""What the API answers: a list, one media item, a link to its file, and what it leads to."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from mediapipe.api.access import for_token_holders
from mediapipe.api.description import description
from mediapipe.api.files import deletion_notice, file_response
from mediapipe.api.listing import Page
from mediapipe.api.responses import NotFound, json_answer
from mediapipe.lifecycle.export import media_document
from mediapipe.models import MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet

LINKS = "mediapipe.download"
NUMBER = re.compile("[0-9]{1,18}")


@for_token_holders
def media_list(request: HttpRequest, media: MediaQuerySet) -> HttpResponse:
    """Answer with a page of media items, the newest first."""
    page = Page.read(request.GET, media)
    more = None
    if page.next:
        query = urlencode({**request.GET.dict(), "cursor": str(page.next)})
        more = _public(request, f"{reverse('api:media')}?{query}")
    return json_answer({"media": [media_document(item) for item in page.media], "next": more})


@for_token_holders
def media_item(request: HttpRequest, media: MediaQuerySet, number: str) -> HttpResponse:
    """Answer with what is known of one media item."""
    return json_answer(media_document(_item(media, number)))


@for_token_holders
def link(request: HttpRequest, media: MediaQuerySet, number: str) -> HttpResponse:
    """Answer with a link to the file that opens without a token, for a short time."""
    item = _item(media, number)
    if item.status != Status.STORED:
        raise NotFound(f"There is no file: the media item is {item.status}.")
    if item.purged_at:
        raise NotFound(deletion_notice(item))
    # Before the signature: whoever waits for the very last moment finds the link still valid.
    expires_at = timezone.now() + _lifetime()
    path = reverse("api:file", args=[signing.dumps(item.pk, salt=LINKS)])
    return json_answer({"url": _public(request, path), "expires_at": expires_at.isoformat()})


@require_safe
def file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give out the file of a link that we signed a short while ago, as the admin gives it out."""
    try:
        pk = signing.loads(token, salt=LINKS, max_age=_lifetime())
    except signing.BadSignature:
        return HttpResponse("The link has expired or is not ours: ask for a new one.", status=403)
    return file_response(request, get_object_or_404(MediaItem, pk=pk))


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer with the description of the API, which holds no secret."""
    return json_answer(description())


@for_token_holders
def nowhere(request: HttpRequest, media: MediaQuerySet) -> HttpResponse:
    """Answer as a program can read it where a path leads nowhere."""
    raise NotFound("There is nothing here: look at /api/v1/openapi.json.")


def _lifetime() -> timedelta:
    return timedelta(seconds=settings.API_LINK_LIFETIME_S)


def _item(media: MediaQuerySet, number: str) -> MediaItem:
    rows = media.select_related("event").defer("event__parameters")
    # A number that is longer is none of ours, nor one that a database takes.
    item = rows.filter(pk=int(number)).first() if NUMBER.fullmatch(number) else None
    if item is None:
        raise NotFound("There is no media item of this number.")
    return item


def _public(request: HttpRequest, path: str) -> str:
    """Return the address by which others reach a path of ours."""
    if settings.PUBLIC_BASE_URL:
        return f"{settings.PUBLIC_BASE_URL}{path}"
    return request.build_absolute_uri(path)
