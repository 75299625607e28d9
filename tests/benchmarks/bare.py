"""What the webhook view is measured against: Django views that do as little as possible.

All views share server, middleware, database and connections.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from mediapipe import providers
from mediapipe.models import MediaItem, Status, WebhookEvent
from mediapipe.providers.base import InboundMessage
from mediapipe.queueing.broker import waiting_messages
from mediapipe.settings.queues import MEDIA
from mediapipe.simulator import payloads
from mediapipe.simulator.script import new_sid


@csrf_exempt
def inserts(request: HttpRequest, pictures: int) -> HttpResponse:
    """Insert the rows of a webhook, commit, respond: no signature, no parsing, no task."""
    now = timezone.now()
    message = fresh(template(pictures))
    with transaction.atomic():
        event = WebhookEvent.from_message(message, provider="twilio", at=now)
        event.save(force_insert=True)
        MediaItem.objects.bulk_create(
            [MediaItem.from_announcement(event, media, now) for media in message.media]
        )
    return HttpResponse("<Response/>", content_type="text/xml")


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    """Respond with empty TwiML."""
    return HttpResponse("<Response/>", content_type="text/xml")


def counts(request: HttpRequest) -> JsonResponse:
    """Return the counts of events, media and messages in the queue of first attempts."""
    return JsonResponse(
        {
            "events": WebhookEvent.objects.count(),
            "media": MediaItem.objects.count(),
            "messages": waiting_messages(MEDIA),
        }
    )


@csrf_exempt
def settle(request: HttpRequest) -> JsonResponse:
    """Mark all queued media as stored, as a worker would have done."""
    done = MediaItem.objects.queued().update(status=Status.STORED, sweep_at=None)
    return JsonResponse({"settled": done})


@cache
def template(pictures: int) -> InboundMessage:
    """Return a captured webhook with this many pictures, parsed."""
    parsed = providers.get("twilio").parse("messaging", payloads.mms(pictures).parameters)
    assert parsed is not None
    return parsed


def fresh(message: InboundMessage) -> InboundMessage:
    """Return the message with new SIDs."""
    media = [replace(each, identity=new_sid("ME")) for each in message.media]
    return replace(message, subject_sid=new_sid("MM"), media=tuple(media))


urlpatterns = [
    path("bare/inserts/<int:pictures>/", inserts),
    path("bare/nothing/", nothing),
    path("bare/counts/", counts),
    path("bare/settle/", settle),
    path("", include("mediapipe.urls")),
]
