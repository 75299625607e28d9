"""Accounts that are paused or rate-limited, and pausing and resuming one by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from mediapipe.admin import text
from mediapipe.admin.pages import page, render_page
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

    list_display = ("account_sid", "why", "paused", "refusals", "probe_at", "rate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # A recovered account keeps its row.
        return AccountHealth.objects.degraded()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"title": "Account health", **(extra_context or {})}
        )

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        return render_page(
            request,
            "accounthealth/page.html",
            title=f"Account {row}",
            opts=AccountHealth._meta,
            original=row,
            health=row,
        )

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
                messages.warning(request, f"Nothing was changed: {account} is paused already.")
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
    """Resume the account of the form, and redirect to the list."""
    if request.method != "POST":
        raise PermissionDenied
    account = request.POST.get("account", "")
    if resume_account(account, request.user):
        messages.success(request, f"{account} is resumed; what is due starts within seconds.")
    else:
        messages.warning(request, "Nothing was changed: no user has paused this account.")
    return redirect(LIST)
