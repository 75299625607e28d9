from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import Notice


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Who was told of which incident, and what came of it; more is on the incident's page."""

    list_display = ("about", "told", "channel", "state", "answer", "attempts", "next_attempt")
    list_display_links = None
    list_filter = ("status", "channel")
    list_select_related = ("incident", "step")
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("send_again",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its own name."""
        return super().changelist_view(request, {"title": "Notices", **(extra_context or {})})

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mediapipe.manage_incident")

    @admin.action(description="Send again the failed ones", permissions=["manage"])
    def send_again(self, request: HttpRequest, selected: QuerySet[Notice]) -> None:
        """Owe those of the selection that failed anew; the next sweep sends them."""
        failed = Notice.objects.failed().filter(pk__in=selected.values("pk"))
        chosen = Notice.objects.filter(pk__in=list(failed.values_list("pk", flat=True)))
        LogEntry.objects.log_actions(str(request.user.pk), chosen, CHANGE, "Sent again.")
        count = chosen.retry_failed()
        messages.success(request, f"{text.counted(count, 'notice')} will be sent again.")

    @admin.display(description="incident")
    def about(self, notice: Notice) -> SafeString:
        page = reverse("admin:mediapipe_incident_change", args=[notice.incident_id])
        return format_html('<a href="{}">{}</a>', page, notice.incident.get_cause_display())

    @admin.display(description="step")
    def told(self, notice: Notice) -> str:
        return f"{notice.step.kind}, {text.timestamp(notice.step.at)}"

    @admin.display(description="state")
    def state(self, notice: Notice) -> SafeString:
        return text.state_label(notice.status)

    @admin.display(description="last answer")
    def answer(self, notice: Notice) -> str:
        return text.plain(notice.delivery_log[-1].result) if notice.delivery_log else "-"

    @admin.display(description="next attempt")
    def next_attempt(self, notice: Notice) -> str:
        return text.timestamp(notice.next_attempt_at)
