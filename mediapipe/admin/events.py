from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from mediapipe.admin import filters, search, text
from mediapipe.admin.pages import render_page
from mediapipe.admin.readonly import SearchableAdmin
from mediapipe.models import WebhookEvent
from mediapipe.redaction import mask_parameter

MAX_REPEATS = 50


@admin.register(WebhookEvent)
class WebhookEventAdmin(SearchableAdmin):
    """One message or recording: the webhook as received, its redeliveries, and its media."""

    list_display = ("subject_sid", "kind", "source", "received", "again", "call_sid", "account_sid")
    list_filter = (
        filters.PeriodFilter,
        filters.KindFilter,
        filters.SourceFilter,
        filters.AccountFilter,
    )
    ordering = ("-received_at",)
    sortable_by = ("received",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Parameters are large, and no list shows them.
        return super().get_queryset(request).defer("parameters")

    def matching(self, queryset: Any, query: search.SearchQuery) -> QuerySet[Any]:
        return search.matching_events(queryset, query)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"title": "Webhook events", **(extra_context or {})}
        )

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Render the page of this event, with phone numbers masked without the permission."""
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
            parameters=pairs(row.parameters),
            repeated=[(later, pairs(later.parameters)) for later in repeated],
            media=row.media.order_by("pk"),
            masked=not sees,
        )

    @admin.display(description="received", ordering="received_at")
    def received(self, event: WebhookEvent) -> str:
        return text.timestamp(event.received_at)

    @admin.display(description="received again")
    def again(self, event: WebhookEvent) -> str:
        return text.times(event.repeats) if event.repeats else "-"
