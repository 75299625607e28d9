from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import HandOff


@admin.register(HandOff)
class HandOffAdmin(ReadOnlyAdmin):
    """Which receiver was told of which media item, and what came of each attempt."""

    list_display = ("key", "item", "ending", "receiver", "state", "attempts", "answer", "due")
    list_filter = ("status", "receiver", "ending")
    list_select_related = ("media",)
    fields = ("key", "item", "ending", "receiver", "state", "due", "delivered_at", "tries")
    readonly_fields = fields
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("send_again",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mediapipe.retry_mediaitem")

    @admin.action(description="Send again the failed ones", permissions=["retry"])
    def send_again(self, request: HttpRequest, selected: QuerySet[HandOff]) -> None:
        """Owe those of the selection that failed anew; the next run sends them."""
        failed = HandOff.objects.failed().filter(pk__in=selected.values("pk"))
        chosen = HandOff.objects.filter(pk__in=list(failed.values_list("pk", flat=True)))
        LogEntry.objects.log_actions(str(request.user.pk), chosen, CHANGE, "Sent again.")
        count = chosen.send_again()
        messages.success(request, f"{text.counted(count, 'hand-off')} will be sent again.")

    @admin.display(description="media item")
    def item(self, owed: HandOff) -> SafeString:
        page = reverse("admin:mediapipe_mediaitem_change", args=[owed.media_id])
        return format_html('<a href="{}">{}</a>', page, owed.media)

    @admin.display(description="state")
    def state(self, owed: HandOff) -> SafeString:
        return text.state(owed.status)

    @admin.display(description="last answer")
    def answer(self, owed: HandOff) -> str:
        return text.plain(owed.tries[-1].answer) if owed.tries else "-"

    @admin.display(description="next attempt")
    def due(self, owed: HandOff) -> str:
        return text.moment(owed.next_attempt_at)

    @admin.display(description="attempts")
    def tries(self, owed: HandOff) -> SafeString:
        lines = (
            (text.moment(each.at), each.took_s, text.plain(each.answer)) for each in owed.tries
        )
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}, {} s: {}</li>", lines))
