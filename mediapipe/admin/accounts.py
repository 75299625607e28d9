"""Accounts that are paused or rate-limited, and pausing and resuming one by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.pages import not_posted, page, render_page
from mediapipe.admin.readonly import PageAdmin
from mediapipe.models import AccountHealth
from mediapipe.operations.manual_control import (
    MAX_REASON,
    clean_reason,
    known_accounts,
    pause_account,
    resume_account,
)

MAY_PAUSE = "mediapipe.pause_accounthealth"
LIST = "admin:mediapipe_accounthealth_changelist"


@admin.register(AccountHealth)
class AccountHealthAdmin(PageAdmin):
    """Accounts that are paused or rate-limited now."""

    docs = "operating.md#pausing-an-account"

    explanation = (
        "Accounts that are paused, or rate-limited by Twilio, now. Normally the list is empty."
    )
    empty = "No account is paused or rate-limited."
    list_title = "Account health"
    list_display = ("account", "why", "paused", "refusals", "next_probe", "limit")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # A recovered account keeps its row.
        return AccountHealth.objects.degraded()

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        return render_page(
            request,
            "accounthealth/page.html",
            title=f"Account {row}",
            opts=AccountHealth._meta,
            original=row,
            health=row,
        )

    @admin.display(description="account")
    def account(self, health: AccountHealth) -> SafeString:
        return text.account(health.account_sid)

    @admin.display(description="next probe", ordering="probe_at")
    def next_probe(self, health: AccountHealth) -> str:
        return text.timestamp(health.probe_at)

    @admin.display(description="requests per second")
    def limit(self, health: AccountHealth) -> str:
        return "no limit" if health.rate is None else f"{health.rate:.1f}"

    @admin.display(description="paused because", empty_value="-")
    def why(self, health: AccountHealth) -> str | None:
        return text.plain(health.why_paused) or None

    @admin.display(description="paused", ordering="paused_at")
    def paused(self, health: AccountHealth) -> str:
        return text.timestamp(health.paused_at)


@page("accounts/pause/", name="pause_account", permission=MAY_PAUSE)
def pause(request: HttpRequest) -> HttpResponse:
    """Ask for the account and the reason, or pause the account and redirect to the list."""
    accounts = known_accounts()
    account = request.POST.get("account") or request.GET.get("account", "")
    if request.method == "POST":
        try:
            reason = clean_reason(request.POST.get("reason", ""))
            if account not in accounts:
                raise ValueError("Choose an account.")
        except ValueError as error:
            messages.error(request, str(error))
        else:
            if pause_account(account, request.user, reason):
                messages.success(request, f"{account} is paused until a user resumes it.")
            else:
                messages.warning(request, f"Nothing was changed: {account} is already paused.")
            return redirect(LIST)
    return render_page(
        request,
        "accounthealth/pause.html",
        title="Pause an account",
        accounts=accounts,
        account=account,
        reason=request.POST.get("reason", ""),
        max_reason=MAX_REASON,
    )


@page("accounts/resume/", name="resume_account", permission=MAY_PAUSE)
def resume(request: HttpRequest) -> HttpResponse:
    """Resume the account named in the form, and redirect to the list."""
    if request.method != "POST":
        return not_posted(request, LIST)
    account = request.POST.get("account", "")
    if resume_account(account, request.user):
        messages.success(request, f"{account} is resumed; due items start within seconds.")
    else:
        messages.warning(request, "Nothing was changed: no user has paused this account.")
    return redirect(LIST)
