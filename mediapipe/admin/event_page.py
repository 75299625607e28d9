"""The page of one event: the webhook as received, what came again, and the media it announced."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.http import HttpRequest, HttpResponse

from mediapipe.admin.pages import render_page
from mediapipe.models import WebhookEvent
from mediapipe.redaction import mask_parameter

Pairs = list[tuple[str, str]]
MOST_REPEATS = 50


def show(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    """Answer with the page of this event, its numbers masked for those who may not see them."""
    sees = request.user.has_perm("mediapipe.view_numbers")
    shown: Callable[[str, str], str] = (lambda name, value: value) if sees else mask_parameter
    repeated = event.repeated.order_by("received_at")[:MOST_REPEATS]
    return render_page(
        request,
        "webhookevent/page.html",
        title=f"{event.get_kind_display()} {event}",
        opts=WebhookEvent._meta,
        original=event,
        event=event,
        sender=shown("From", event.sender),
        recipient=shown("To", event.recipient),
        parameters=_pairs(event.parameters, shown),
        repeated=[(row, _pairs(row.parameters, shown)) for row in repeated],
        media=event.media.order_by("pk"),
        masked=not sees,
    )


def _pairs(parameters: Iterable[Iterable[str]], shown: Callable[[str, str], str]) -> Pairs:
    """Return names and values as received; the name decides how a value is masked."""
    return [(shown("", name), shown(name, value)) for name, value in parameters]
