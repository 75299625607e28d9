from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.filters import NamedBooleanFilter, NamedEmptyFilter, PeriodFilter
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.admin.rejection_reasons import MEANINGS
from mediapipe.models import ApiToken, Reconciliation, Rejection
from mediapipe.models.outbox import DeliveryStatus


class RevokedFilter(NamedEmptyFilter):
    filter_title = "state"
    names: ClassVar[dict[str, str]] = {"Empty": "Active", "Not empty": "Revoked"}


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens of the JSON API; `manage.py api_token` creates and revokes them."""

    docs = "handoff.md#the-json-api"

    explanation = (
        "Who may read the JSON API. manage.py api_token creates and revokes tokens. Use one token "
        "per app, so that each can be revoked separately."
    )
    empty = "No token yet. Create one with manage.py api_token make NAME."
    list_display = ("name", "state", "may_read", "last_used", "expires", "created")
    list_filter = (("revoked_at", RevokedFilter),)
    fields = readonly_fields = (*list_display, "revoked")

    @admin.display(description="state")
    def state(self, token: ApiToken) -> SafeString:
        if token.revoked_at:
            return text.state_label(DeliveryStatus.FAILED, "Revoked")
        if token.has_expired:
            return text.state_label(DeliveryStatus.FAILED, "Expired")
        return text.state_label(DeliveryStatus.DELIVERED, "Active")

    @admin.display(description="accounts")
    def may_read(self, token: ApiToken) -> str:
        return ", ".join(map(text.account_name, token.accounts.split())) or "all accounts"

    @admin.display(description="last used")
    def last_used(self, token: ApiToken) -> str:
        return text.timestamp(token.last_used_at) if token.last_used_at else "never"

    @admin.display(description="expires")
    def expires(self, token: ApiToken) -> str:
        return text.timestamp(token.expires_at) if token.expires_at else "never"

    @admin.display(description="created", ordering="created_at")
    def created(self, token: ApiToken) -> str:
        return text.timestamp(token.created_at)

    @admin.display(description="revoked")
    def revoked(self, token: ApiToken) -> str:
        return text.timestamp(token.revoked_at)


class HourFilter(PeriodFilter):
    title = "hour"
    column = "hour"


@admin.register(Rejection)
class RejectionAdmin(ReadOnlyAdmin):
    """Rejected webhooks per hour and reason."""

    docs = "webhooks.md"

    explanation = (
        "Webhooks that were rejected and not recorded, per hour and reason. Normally there are "
        "none: a rejected webhook is forged, or the service or a number is configured wrongly."
    )
    empty = "No webhook was rejected."
    list_display = ("hour_from", "reason", "webhooks", "last", "meaning")
    fields = readonly_fields = list_display
    list_filter = (HourFilter, "reason")
    ordering = ("-hour", "reason")

    @admin.display(description="hour", ordering="hour")
    def hour_from(self, rejection: Rejection) -> str:
        return text.timestamp(rejection.hour)

    @admin.display(description="webhooks", ordering="count")
    def webhooks(self, rejection: Rejection) -> str:
        return text.grouped(rejection.count)

    @admin.display(description="last rejected", ordering="last_at")
    def last(self, rejection: Rejection) -> str:
        return text.timestamp(rejection.last_at)

    @admin.display(description="meaning")
    def meaning(self, rejection: Rejection) -> str:
        return MEANINGS.get(rejection.reason, "-")


class StartedFilter(PeriodFilter):
    title = "started"
    column = "started_at"


class StartedByFilter(NamedBooleanFilter):
    filter_title = "started by"
    names: ClassVar[dict[str, str]] = {"Yes": "schedule", "No": "command"}


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """The progress of each comparison with Twilio's lists, and how much was missing."""

    docs = "reconciling.md"

    explanation = (
        "Comparisons with Twilio's own lists, to find messages and recordings whose webhook never "
        "arrived. Normally nothing is missing."
    )
    empty = "No comparison yet. Start one with manage.py reconcile, or set RECONCILE_EVERY."
    list_display = (
        "started",
        "account",
        "done",
        "compared",
        "missing",
        "error",
        "started_by",
        "from_when",
        "till_when",
    )
    fields = readonly_fields = list_display
    list_filter = (StartedFilter, ("scheduled", StartedByFilter))
    ordering = ("-started_at",)

    @admin.display(description="started", ordering="started_at")
    def started(self, run: Reconciliation) -> str:
        return text.timestamp(run.started_at)

    @admin.display(description="account")
    def account(self, run: Reconciliation) -> SafeString:
        return text.account(run.account_sid)

    @admin.display(description="messages and recordings compared", ordering="looked_at")
    def compared(self, run: Reconciliation) -> str:
        return text.grouped(run.looked_at)

    @admin.display(description="missing, now recorded", ordering="taken_in")
    def missing(self, run: Reconciliation) -> str:
        return text.grouped(run.taken_in)

    @admin.display(description="started by")
    def started_by(self, run: Reconciliation) -> str:
        return "schedule" if run.scheduled else "command"

    @admin.display(description="from", ordering="since")
    def from_when(self, run: Reconciliation) -> str:
        return text.timestamp(run.since)

    @admin.display(description="until", ordering="until")
    def till_when(self, run: Reconciliation) -> str:
        return text.timestamp(run.until)

    @admin.display(description="progress", ordering="done_until")
    def done(self, run: Reconciliation) -> str:
        return "finished" if run.finished_at else text.timestamp(run.done_until)
