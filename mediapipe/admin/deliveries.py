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
from mediapipe.admin.pages import not_posted
from mediapipe.gateway.dispatch import publish
from mediapipe.gateway.entries import entry_names
from mediapipe.models import GatewayDelivery, GatewayStatus
from mediapipe.models.gateway_deliveries import GatewayDeliveries
from mediapipe.operations.audit_log import log_changes


class AppFilter(ExactFilter):
    title = "app"
    parameter_name = "entry__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        given = request.GET.get(self.parameter_name or "", "")
        # A link may name an app that is no longer configured.
        names = sorted({*entry_names(), given})
        return [(name, text.plain(name)) for name in names if name]


class StateFilter(ExactFilter):
    title = "state"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return list(GatewayStatus.choices)


@admin.register(GatewayDelivery)
class GatewayDeliveryAdmin(OutboxAdmin):
    """Which app got which message, when, and how it responded; never what the message says."""

    docs = "gateway.md"

    explanation = (
        "Webhooks that were passed on to your apps, and what each app responded. Normally each is "
        "delivered once, within a second."
    )
    empty = "No delivery yet. GATEWAY_FILE names the apps that webhooks are passed on to."
    list_display = (
        "received",
        "state",
        "entry",
        "subject",
        "http_status",
        "answer",
        "media_then",
        "attempts",
        "detail",
        "next_attempt",
    )
    list_display_links = ("state",)
    list_filter = (filters.PeriodFilter, StateFilter, AppFilter, "answer", "http_status")
    list_select_related = ("event",)
    change_form_template = "admin/mediapipe/gatewaydelivery/row.html"
    actions = ("send_again",)
    fields = (
        "state",
        "entry",
        "message",
        "recording_status",
        "received",
        "media_then",
        "held_until",
        "next_attempt",
        "ended",
        "http_status",
        "content_type",
        "answer_size",
        "answer",
        "connect_time",
        "total_time",
        "detail",
        "attempt_log",
        "can_be_sent_again",
    )
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        """Add the URL that sends one message again."""
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
        """Send undelivered messages again, at the pace of each app."""
        chosen = GatewayDelivery.objects.filter(pk__in=selected.values("pk"))
        count = text.counted(len(_send_again(request, chosen)), "message")
        messages.success(request, f"{count} will be sent again.")

    def send_one_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send one undelivered message again now, and redirect to its page."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        delivery = get_object_or_404(GatewayDelivery, pk=pk)
        if request.method != "POST":
            return not_posted(request, "admin:mediapipe_gatewaydelivery_change", pk)
        ids = _send_again(request, GatewayDelivery.objects.filter(pk=pk))
        publish(ids)
        if ids:
            messages.success(request, f"The message is being sent to {delivery.entry} again.")
        else:
            messages.warning(request, "Nothing was changed: the message cannot be sent again.")
        return redirect("admin:mediapipe_gatewaydelivery_change", pk)

    @admin.display(description="message or recording")
    def subject(self, delivery: GatewayDelivery) -> SafeString:
        return format_html('<span class="sid" title="{}">{}</span>', delivery.event, delivery.event)

    @admin.display(description="message or recording")
    def message(self, delivery: GatewayDelivery) -> SafeString:
        page = reverse("admin:mediapipe_webhookevent_change", args=[delivery.event_id])
        return format_html('<a href="{}">{}</a>', page, delivery.event)

    @admin.display(description="status of the recording")
    def recording_status(self, delivery: GatewayDelivery) -> str:
        return delivery.about or "-"

    @admin.display(description="received", ordering="received_at")
    def received(self, delivery: GatewayDelivery) -> str:
        return text.timestamp(delivery.received_at)

    @admin.display(description="waits for media until")
    def held_until(self, delivery: GatewayDelivery) -> str:
        return text.timestamp(delivery.hold_until)

    @admin.display(description="ended")
    def ended(self, delivery: GatewayDelivery) -> str:
        return text.timestamp(delivery.ended_at)

    @admin.display(description="size of the answer")
    def answer_size(self, delivery: GatewayDelivery) -> str:
        return text.size(delivery.answer_bytes)

    @admin.display(description="time to connect")
    def connect_time(self, delivery: GatewayDelivery) -> str:
        return text.duration(delivery.connect_s)

    @admin.display(description="total time")
    def total_time(self, delivery: GatewayDelivery) -> str:
        return text.duration(delivery.total_s)

    @admin.display(description="can be sent again")
    def can_be_sent_again(self, delivery: GatewayDelivery) -> str:
        return "yes" if delivery.is_resendable else "no"


def _send_again(request: HttpRequest, chosen: GatewayDeliveries) -> list[int]:
    ids = chosen.send_again()
    sent = GatewayDelivery.objects.filter(pk__in=ids).select_related("event")
    log_changes(request.user, sent, "Sent again.")
    return ids
