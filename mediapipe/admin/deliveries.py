from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mediapipe.admin import filters, text
from mediapipe.admin.filters import Choice, ExactFilter
from mediapipe.admin.outbox import OutboxAdmin
from mediapipe.gateway.dispatch import publish
from mediapipe.gateway.entries import entry_names
from mediapipe.models import GatewayDelivery
from mediapipe.models.gateway_deliveries import GatewayDeliveries
from mediapipe.operations.audit_log import log_changes


class AppFilter(ExactFilter):
    title = "app"
    parameter_name = "entry__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        given = request.GET.get(self.parameter_name or "", "")
        # An app that was removed is in links only.
        names = sorted({*entry_names(), given})
        return [(name, text.plain(name)) for name in names if name]


@admin.register(GatewayDelivery)
class GatewayDeliveryAdmin(OutboxAdmin):
    """Which app got which message, when, and what it answered; never what the message says."""

    list_display = (
        "subject",
        "entry",
        "state",
        "http_status",
        "media_then",
        "answer",
        "attempts",
        "detail",
        "next_attempt",
        "received",
    )
    list_display_links = ("subject",)
    list_filter = (filters.PeriodFilter, "status", AppFilter, "answer", "http_status")
    list_select_related = ("event",)
    actions = ("send_again",)
    fields = (
        "message",
        "entry",
        "about",
        "state",
        "received_at",
        "media_then",
        "hold_until",
        "next_attempt",
        "ended_at",
        "http_status",
        "content_type",
        "answer_bytes",
        "answer",
        "connect_s",
        "total_s",
        "detail",
        "attempt_log",
        "can_be_sent_again",
    )
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        """Add the URL that sends one again."""
        one = self.admin_site.admin_view(self.send_one_again)
        ours = path("<int:pk>/send-again/", one, name="mediapipe_gatewaydelivery_send_again")
        return [ours, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        may = {"may_send_again": self.has_retry_permission(request)}
        return super().change_view(request, object_id, form_url, may | (extra_context or {}))

    @admin.action(description="Send the selected ones again", permissions=["retry"])
    def send_again(self, request: HttpRequest, selected: QuerySet[Any]) -> None:
        """Send what no app took again, at the pace of the app."""
        chosen = GatewayDelivery.objects.filter(pk__in=selected.values("pk"))
        count = text.counted(len(_send_again(request, chosen)), "message")
        messages.success(request, f"{count} will be sent again.")

    def send_one_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send this one again at once."""
        if request.method != "POST" or not self.has_retry_permission(request):
            raise PermissionDenied
        delivery = get_object_or_404(GatewayDelivery, pk=pk)
        ids = _send_again(request, GatewayDelivery.objects.filter(pk=pk))
        publish(ids)
        if ids:
            messages.success(request, f"The message is sent to {delivery.entry} again.")
        else:
            messages.warning(request, "Nothing was changed: the message cannot be sent again.")
        return redirect("admin:mediapipe_gatewaydelivery_change", pk)

    @admin.display(description="message or recording")
    def subject(self, delivery: GatewayDelivery) -> str:
        return str(delivery.event)

    @admin.display(description="message or recording")
    def message(self, delivery: GatewayDelivery) -> SafeString:
        page = reverse("admin:mediapipe_webhookevent_change", args=[delivery.event_id])
        return format_html('<a href="{}">{}</a>', page, delivery.event)

    @admin.display(description="received", ordering="received_at")
    def received(self, delivery: GatewayDelivery) -> str:
        return text.timestamp(delivery.received_at)

    @admin.display(description="can be sent again", boolean=True)
    def can_be_sent_again(self, delivery: GatewayDelivery) -> bool:
        return delivery.is_resendable


def _send_again(request: HttpRequest, chosen: GatewayDeliveries) -> list[int]:
    ids = chosen.send_again()
    sent = GatewayDelivery.objects.filter(pk__in=ids).select_related("event")
    log_changes(request.user, sent, "Sent again.")
    return ids
