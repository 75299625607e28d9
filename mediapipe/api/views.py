from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from mediapipe.api.access import token_required
from mediapipe.api.description import description
from mediapipe.api.files import deletion_notice, file_response
from mediapipe.api.listing import MediaPage, with_events
from mediapipe.api.responses import NotFound, json_response
from mediapipe.lifecycle.export import media_document, message_of
from mediapipe.models import ApiToken, MediaItem, Status
from mediapipe.redaction import strip_url_secrets

LINKS = "mediapipe.link"
NUMBER = re.compile("[0-9]{1,18}")


@token_required
def media_list(request: HttpRequest, token: ApiToken) -> HttpResponse:
    """Return a page of media items, the newest first."""
    page = MediaPage.from_query(request.GET, token.media())
    more = None
    if page.next:
        query = urlencode({**request.GET.dict(), "cursor": str(page.next)})
        more = _public(request, f"{reverse('api:media')}?{query}")
    return json_response({"media": [_document(item) for item in page.media], "next": more})


@token_required
def media_item(request: HttpRequest, token: ApiToken, number: str) -> HttpResponse:
    return json_response(_document(_item(token, number)))


@token_required
def link(request: HttpRequest, token: ApiToken, number: str) -> HttpResponse:
    """Return a link to the file that works without a token, for a short time."""
    item = _item(token, number)
    if item.status != Status.STORED:
        raise NotFound(f"There is no file: the media item is {item.status}.")
    if item.purged_at:
        raise NotFound(deletion_notice(item))
    expires_at = timezone.now() + timedelta(seconds=settings.API_LINK_LIFETIME_S)
    path = reverse("api:file", args=[signed_link(item, token, expires_at)])
    return json_response({"url": _public(request, path), "expires_at": expires_at.isoformat()})


def signed_link(item: MediaItem, token: ApiToken, expires_at: datetime) -> str:
    """Return a signed value that opens the file until `expires_at`, while the token is valid."""
    return signing.dumps([item.pk, token.pk, expires_at.timestamp()], salt=LINKS)


@require_safe
def file(request: HttpRequest, link: str) -> HttpResponseBase:
    """Serve the file of a signed link as the admin does, or a 403 if the link is not valid."""
    try:
        item_pk, token_pk, expires_at_s = signing.loads(link, salt=LINKS)
    except signing.BadSignature:
        return HttpResponse("The link is not valid: request a new one.", status=403)
    token = ApiToken.objects.valid().filter(pk=token_pk).first()
    if token is None or expires_at_s <= time.time():
        sentence = "The link has expired, or its token is no longer valid: request a new one."
        return HttpResponse(sentence, status=403)
    item = get_object_or_404(token.media(), pk=item_pk)
    return file_response(request, item, reader=f"API token {token.name}")


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    # Without a token, because the description contains no secrets.
    return json_response(description())


@token_required
def not_found(request: HttpRequest, token: ApiToken) -> HttpResponse:
    """Respond to an unknown path with a 404 as JSON."""
    raise NotFound("There is nothing here: see /api/v1/openapi.json.")


def _document(item: MediaItem) -> dict[str, Any]:
    return media_document(item) | message_of(item)


def _item(token: ApiToken, number: str) -> MediaItem:
    rows = with_events(token.media())
    # Longer numbers do not fit into a database integer.
    item = rows.filter(pk=int(number)).first() if NUMBER.fullmatch(number) else None
    if item is None:
        raise NotFound("There is no media item with this id.")
    return item


def _public(request: HttpRequest, path: str) -> str:
    """Return the public URL of a path."""
    if settings.PUBLIC_BASE_URL:
        return f"{strip_url_secrets(settings.PUBLIC_BASE_URL)}{path}"
    return request.build_absolute_uri(path)
