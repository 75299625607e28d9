from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import Deletion, HandOff, Notice
from mediapipe.operations.audit_log import log_changes


class OutboxAdmin(ReadOnlyAdmin):
    """Messages with their state, and the result of each delivery attempt."""

    permission_to_retry = "mediapipe.retry_mediaitem"
    list_select_related: ClassVar[tuple[str, ...]] = ("media",)
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("retry_failed",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.permission_to_retry)

    @admin.action(description="Retry the failed ones", permissions=["retry"])
    def retry_failed(self, request: HttpRequest, selected: QuerySet[Any]) -> None:
        rows: Any = self.model._default_manager
        failed = rows.failed().filter(pk__in=selected.values("pk"))
        chosen = rows.filter(pk__in=list(failed.values_list("pk", flat=True)))
        log_changes(request.user, chosen, "Retried.")
        count = text.counted(chosen.retry_failed(), str(self.opts.verbose_name))
        messages.success(request, f"{count} will be retried.")

    @admin.display(description="media item")
    def item(self, message: Any) -> SafeString:
        page = reverse("admin:mediapipe_mediaitem_change", args=[message.media_id])
        return format_html('<a href="{}">{}</a>', page, message.media)

    @admin.display(description="state")
    def state(self, message: Any) -> SafeString:
        return text.state_label(message.status)

    @admin.display(description="last result")
    def last_result(self, message: Any) -> str:
        return text.plain(message.delivery_log[-1].result) if message.delivery_log else "-"

    @admin.display(description="next attempt")
    def next_attempt(self, message: Any) -> str:
        return text.timestamp(message.next_attempt_at)

    @admin.display(description="attempts")
    def attempt_log(self, message: Any) -> SafeString:
        lines = (
            (text.timestamp(each.at), each.took_s, text.plain(each.result))
            for each in message.delivery_log
        )
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}, {} s: {}</li>", lines))


@admin.register(HandOff)
class HandOffAdmin(OutboxAdmin):
    list_display = (
        "item",
        "ending",
        "receiver",
        "state",
        "attempts",
        "last_result",
        "next_attempt",
    )
    list_display_links = ("ending",)
    list_filter = ("status", "receiver", "ending")
    fields = (
        "key",
        "item",
        "ending",
        "receiver",
        "state",
        "next_attempt",
        "delivered_at",
        "attempt_log",
    )
    readonly_fields = fields


@admin.register(Deletion)
class DeletionAdmin(OutboxAdmin):
    list_display = ("item", "outcome", "attempts", "last_result", "next_attempt")
    list_display_links = ("outcome",)
    list_filter = ("status", "dry_run")
    fields = ("item", "outcome", "next_attempt", "attempt_log")
    readonly_fields = fields

    @admin.display(description="at Twilio")
    def outcome(self, deletion: Deletion) -> str:
        if deletion.dry_run:
            return "kept: a dry run"
        return {"delivered": "deleted", "failed": "kept"}.get(deletion.status, "to be deleted")


@admin.register(Notice)
class NoticeAdmin(OutboxAdmin):
    """Sent notifications; the page of the incident has every attempt."""

    permission_to_retry = "mediapipe.manage_incident"
    list_display = (
        "about",
        "step_label",
        "channel",
        "state",
        "last_result",
        "attempts",
        "next_attempt",
    )
    list_display_links = None
    list_filter = ("status", "channel")
    list_select_related = ("incident", "step")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Notices", **(extra_context or {})})

    @admin.display(description="incident")
    def about(self, notice: Notice) -> SafeString:
        page = reverse("admin:mediapipe_incident_change", args=[notice.incident_id])
        return format_html('<a href="{}">{}</a>', page, notice.incident.get_cause_display())

    @admin.display(description="step")
    def step_label(self, notice: Notice) -> str:
        return f"{notice.step.kind}, {text.timestamp(notice.step.at)}"
