from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.afterwards import waits_for
from mediapipe.admin.filters import Choice, ExactFilter, PeriodFilter
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import Deletion, HandOff, Notice
from mediapipe.models.outbox import DeliveryAttempt, DeliveryStatus
from mediapipe.operations.audit_log import log_changes

# The latest attempts on the page of a message, as on that of an incident; those before are folded.
SHOWN_ATTEMPTS = 3
OUTCOMES: dict[str, str] = {
    DeliveryStatus.WAITING: "To delete",
    DeliveryStatus.DELIVERED: "Deleted",
    DeliveryStatus.FAILED: "Kept",
}


class DeliveryStateFilter(ExactFilter):
    title = "state"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return list(DeliveryStatus.choices)


class OutcomeFilter(DeliveryStateFilter):
    title = "at Twilio"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return list(OUTCOMES.items())


class ItemReceivedFilter(PeriodFilter):
    """When the item's webhook was received, as on the other pages; there is an index for it."""

    title = "item received"
    column = "media__received_at"


class StepFilter(PeriodFilter):
    title = "time"
    column = "step__at"


class OutboxAdmin(ReadOnlyAdmin):
    """Messages with their state, and the result of each delivery attempt."""

    permission_to_retry = "mediapipe.retry_mediaitem"
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

    @admin.display(description="state")
    def state(self, message: Any) -> SafeString:
        return text.state_label(message.status)

    @admin.display(description="last result")
    def last_result(self, message: Any) -> str:
        return text.plain(message.delivery_log[-1].result) if message.delivery_log else "-"

    @admin.display(description="next attempt")
    def next_attempt(self, message: Any) -> str:
        return text.timestamp(message.next_attempt_at)

    @admin.display(description="delivered")
    def delivered(self, message: Any) -> str:
        return text.timestamp(message.delivered_at)

    @admin.display(description="attempts")
    def attempt_log(self, message: Any) -> SafeString | str:
        log = message.delivery_log
        if not log:
            return "none yet"
        earlier, last = log[:-SHOWN_ATTEMPTS], log[-SHOWN_ATTEMPTS:]
        shown = format_html('<ol start="{}">{}</ol>', len(earlier) + 1, _lines(last))
        if not earlier:
            return shown
        folded = "<details><summary>{} before</summary><ol>{}</ol></details>{}"
        return format_html(folded, len(earlier), _lines(earlier), shown)


def _lines(attempts: Iterable[DeliveryAttempt]) -> SafeString:
    """Return a list item for each attempt."""
    lines = (
        (text.timestamp(each.at), text.duration(each.took_s), text.plain(each.result))
        for each in attempts
    )
    return format_html_join("", "<li>{}, {}: {}</li>", lines)


class ItemOutboxAdmin(OutboxAdmin):
    """Messages about one media item each."""

    list_select_related = ("media",)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the order of the period's index if a period is chosen; otherwise newest first.

        Ordered by id, PostgreSQL would read every newer message before it reaches the period.
        """
        in_period = any(name in request.GET for name in ItemReceivedFilter.parameters())
        return ("-media__received_at", "-pk") if in_period else ("-pk",)

    @admin.display(description="media item")
    def item(self, message: Any) -> SafeString:
        page = reverse("admin:mediapipe_mediaitem_change", args=[message.media_id])
        return format_html('<a href="{}" title="{}">{}</a>', page, message.media, message.media)


@admin.register(HandOff)
class HandOffAdmin(ItemOutboxAdmin):
    """Messages to your own app about finished media items."""

    docs = "handoff.md"

    explanation = (
        "Messages to your own app that an item is stored, or has ended without a file. Normally "
        "each is delivered at the first attempt, within a second."
    )
    empty = (
        "No hand-off yet. Set ON_STORED_TASK or HANDOFF_WEBHOOK_URL: items that end after that are "
        "handed off."
    )
    list_display = (
        "ended",
        "state",
        "item",
        "item_ended_as",
        "receiver",
        "attempts",
        "last_result",
        "next_attempt",
    )
    list_display_links = ("state",)
    list_filter = (ItemReceivedFilter, DeliveryStateFilter, "receiver", "ending")
    fields = (
        "state",
        "receiver",
        "item",
        "item_ended_as",
        "ended",
        "next_attempt",
        "delivered",
        "attempt_log",
        "key",
    )
    readonly_fields = fields

    @admin.display(description="item ended")
    def ended(self, hand_off: HandOff) -> str:
        return text.timestamp(hand_off.ended_at)

    @admin.display(description="item ended as")
    def item_ended_as(self, hand_off: HandOff) -> SafeString:
        # Absent items are announced as media.failed too; the state of the item tells them apart.
        return text.state_label(hand_off.media.status)


@admin.register(Deletion)
class DeletionAdmin(ItemOutboxAdmin):
    """What happens to Twilio's copies of stored media."""

    docs = "handoff.md#deleting-twilios-copy"

    explanation = (
        "Stored media whose copy at Twilio is to be deleted. Normally the deletion follows "
        "TWILIO_DELETE_AFTER, once every receiver has taken the item."
    )
    empty = (
        "Nothing is deleted at Twilio: TWILIO_AFTER_STORING is keep, or no item was stored since "
        "it was changed."
    )
    list_display = ("stored", "outcome", "item", "attempts", "last_result", "next_attempt")
    list_display_links = ("outcome",)
    list_filter = (ItemReceivedFilter, OutcomeFilter)
    fields = (
        "outcome",
        "item",
        "stored",
        "next_attempt",
        "held_up_by",
        "delivered",
        "attempt_log",
    )
    readonly_fields = fields

    @admin.display(description="stored")
    def stored(self, deletion: Deletion) -> str:
        return text.timestamp(deletion.media.retrieved_at)

    @admin.display(description="at Twilio")
    def outcome(self, deletion: Deletion) -> SafeString:
        label = "Kept (dry run)" if deletion.dry_run else OUTCOMES[deletion.status]
        return text.state_label(deletion.status, label)

    @admin.display(description="deleted")
    def delivered(self, deletion: Deletion) -> str:
        return text.timestamp(deletion.delivered_at)

    @admin.display(description="waits for")
    def held_up_by(self, deletion: Deletion) -> SafeString | str:
        if deletion.status != DeliveryStatus.WAITING:
            return "-"
        links = ((link.url, text.plain(link.text)) for link in waits_for(deletion.media))
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "-"


@admin.register(Notice)
class NoticeAdmin(OutboxAdmin):
    """Notifications about incidents."""

    docs = "escalation.md#notifications"

    explanation = (
        "Notifications about incidents by e-mail, Slack or webhook. Normally each is delivered at "
        "the first attempt."
    )
    empty = "No notification yet. Send one now with manage.py notify_test."
    permission_to_retry = "mediapipe.manage_incident"
    list_display = (
        "step_at",
        "state",
        "about",
        "step_label",
        "channel",
        "attempts",
        "last_result",
        "next_attempt",
    )
    list_display_links = ("state",)
    list_filter = (StepFilter, DeliveryStateFilter, "channel")
    fields = (
        "state",
        "channel",
        "about",
        "step_label",
        "step_at",
        "next_attempt",
        "delivered",
        "attempt_log",
    )
    readonly_fields = fields
    list_select_related = ("incident", "step")

    @admin.display(description="incident")
    def about(self, notice: Notice) -> SafeString:
        page = reverse("admin:mediapipe_incident_change", args=[notice.incident_id])
        return format_html('<a href="{}">{}</a>', page, notice.incident.get_cause_display())

    @admin.display(description="step")
    def step_label(self, notice: Notice) -> str:
        return notice.step.get_kind_display()

    @admin.display(description="time")
    def step_at(self, notice: Notice) -> str:
        return text.timestamp(notice.step.at)
