"""What is owed to others about a media item, as lists and pages show it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.readonly import ReadOnlyAdmin


class OutboxAdmin(ReadOnlyAdmin):
    """A delivery about a media item: where it stands, and what came of each attempt."""

    list_select_related = ("media",)
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("try_again",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mediapipe.retry_mediaitem")

    @admin.action(description="Try again the failed ones", permissions=["retry"])
    def try_again(self, request: HttpRequest, selected: QuerySet[Any]) -> None:
        """Owe those of the selection that failed anew; the next run tries them."""
        rows: Any = self.model._default_manager
        failed = rows.failed().filter(pk__in=selected.values("pk"))
        chosen = rows.filter(pk__in=list(failed.values_list("pk", flat=True)))
        LogEntry.objects.log_actions(str(request.user.pk), chosen, CHANGE, "To be tried again.")
        count = text.counted(chosen.retry_failed(), str(self.opts.verbose_name))
        messages.success(request, f"{count} will be tried again.")

    @admin.display(description="media item")
    def item(self, owed: Any) -> SafeString:
        page = reverse("admin:mediapipe_mediaitem_change", args=[owed.media_id])
        return format_html('<a href="{}">{}</a>', page, owed.media)

    @admin.display(description="state")
    def state(self, owed: Any) -> SafeString:
        return text.state_label(owed.status)

    @admin.display(description="last answer")
    def answer(self, owed: Any) -> str:
        return text.plain(owed.delivery_log[-1].result) if owed.delivery_log else "-"

    @admin.display(description="next attempt")
    def due(self, owed: Any) -> str:
        return text.timestamp(owed.next_attempt_at)

    @admin.display(description="attempts")
    def tries(self, owed: Any) -> SafeString:
        lines = (
            (text.timestamp(each.at), each.took_s, text.plain(each.result))
            for each in owed.delivery_log
        )
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}, {} s: {}</li>", lines))
