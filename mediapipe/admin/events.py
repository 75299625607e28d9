from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from mediapipe.admin import filters, search, text
from mediapipe.admin.pages import render_page
from mediapipe.admin.readonly import SearchableAdmin
from mediapipe.models import MediaItem, WebhookEvent
from mediapipe.redaction import mask_parameter

MAX_REPEATS = 50


@admin.register(WebhookEvent)
class WebhookEventAdmin(SearchableAdmin):
    """One message or recording: the webhook as received, its redeliveries, and its media."""

    docs = "webhooks.md"

    explanation = (
        "One row per message or recording that Twilio's webhooks described. Normally each arrives "
        "once; a redelivery is counted with the first."
    )
    empty = (
        "No webhook yet. Point a number at this service, then run manage.py doctor: it shows the "
        "URLs to configure at Twilio, and checks them."
    )
    list_display_links = ("subject_sid",)
    list_filter = (
        filters.PeriodFilter,
        filters.KindFilter,
        filters.SourceFilter,
        filters.AccountFilter,
    )
    ordering = ("-received_at",)
    sortable_by = ("received",)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns; senders are masked for users who may not view numbers."""
        sees = request.user.has_perm("mediapipe.view_numbers")
        # Not "sender": Django would show the model field instead of calling a method of that name.
        sender = "full_sender" if sees else "masked_sender"
        return ("received", "subject_sid", "kind", sender, "media_states", "again", "account")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Parameters are large, and no list shows them.
        rows = super().get_queryset(request).defer("parameters")
        return rows.prefetch_related(Prefetch("media", MediaItem.objects.only("event", "status")))

    def matching(self, queryset: Any, query: search.SearchQuery) -> QuerySet[Any]:
        return search.matching_events(queryset, query)

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Render the page of this event, masked for users who may not view numbers."""
        sees = request.user.has_perm("mediapipe.view_numbers")
        shown: Callable[[str, str], str] = (lambda name, value: value) if sees else mask_parameter

        def pairs(parameters: Iterable[Iterable[str]]) -> list[tuple[str, str]]:
            # The name of a parameter decides whether its value is masked.
            return [(shown("", name), shown(name, value)) for name, value in parameters]

        repeated = row.repeated.order_by("received_at")[:MAX_REPEATS]
        return render_page(
            request,
            "webhookevent/page.html",
            title=f"{row.get_kind_display()} {row}",
            opts=WebhookEvent._meta,
            original=row,
            event=row,
            sender=shown("From", row.sender),
            recipient=shown("To", row.recipient),
            body=shown("Body", row.text),
            parameters=pairs(row.parameters),
            repeated=[(later, *map(pairs, _differing(later, row))) for later in repeated],
            # row.media was prefetched with only the columns of the list.
            media=MediaItem.objects.filter(event=row).order_by("pk"),
            masked=not sees,
        )

    @admin.display(description="received", ordering="received_at")
    def received(self, event: WebhookEvent) -> str:
        return text.timestamp(event.received_at)

    @admin.display(description="from")
    def full_sender(self, event: WebhookEvent) -> str:
        return text.plain(event.sender) or "-"

    @admin.display(description="from")
    def masked_sender(self, event: WebhookEvent) -> str:
        return text.plain(mask_parameter("From", event.sender)) or "-"

    @admin.display(description="media")
    def media_states(self, event: Any) -> str:
        states = Counter(item.status for item in event.media.all())
        return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "-"

    @admin.display(description="account")
    def account(self, event: WebhookEvent) -> SafeString:
        return text.account(event.account_sid)

    @admin.display(description="received again")
    def again(self, event: WebhookEvent) -> str:
        return text.times(event.repeats) if event.repeats else "-"


def _differing(later: Any, first: WebhookEvent) -> tuple[list[Any], list[Any]]:
    """Return the parameters of a redelivery that differ from the first webhook, and the others.

    A parameter that is missing from the redelivery is in the first list, as "(missing)".
    """
    before = [tuple(pair) for pair in first.parameters]
    now = [tuple(pair) for pair in later.parameters]
    names = {name for name, value in now}
    missing = [(name, "(missing)") for name, value in before if name not in names]
    different = [pair for pair in now if pair not in before]
    return [*different, *missing], [pair for pair in now if pair in before]
