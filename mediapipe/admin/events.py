from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from mediapipe.admin import event_page, filters, search, text
from mediapipe.admin.readonly import RecordAdmin
from mediapipe.models import WebhookEvent

FILTERS: tuple[type[filters.Asked], ...] = (
    filters.PeriodFilter,
    filters.KindFilter,
    filters.SourceFilter,
    filters.AccountFilter,
)


@admin.register(WebhookEvent)
class WebhookEventAdmin(RecordAdmin):
    """One message or recording, the webhook as received, and its media."""

    list_display = ("subject_sid", "kind", "source", "received", "again", "call_sid", "account_sid")
    list_filter = FILTERS
    ordering = ("-received_at",)
    sortable_by = ("received",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the parameters where they are: they are large, and no list shows them."""
        return super().get_queryset(request).defer("parameters")

    def found(self, queryset: Any, sought: search.Sought) -> QuerySet[Any]:
        return search.found_events(queryset, sought)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its own name."""
        return super().changelist_view(
            request, {"title": "Webhook events", **(extra_context or {})}
        )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow no lookup but the filters': `?sender__startswith=` would tell numbers."""
        return lookup in {name for kind in FILTERS for name in kind.parameters()}

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Show one event: the webhook as received, what was said later, and its media."""
        return event_page.show(request, row)

    @admin.display(description="received", ordering="received_at")
    def received(self, event: WebhookEvent) -> str:
        return text.timestamp(event.received_at)

    @admin.display(description="received again")
    def again(self, event: WebhookEvent) -> str:
        return text.times(event.repeats) if event.repeats else "-"
