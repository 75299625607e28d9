"""Where the webhooks of each number go according to Twilio, and what the doctor last found."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from kombu import Producer

from mediapipe.admin import text
from mediapipe.admin.filters import Choice, ExactFilter
from mediapipe.admin.pages import not_posted, page
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import DoctorReport, RouteReading, Verdict, WebhookRoute
from mediapipe.operations.audit_log import log_action, log_changes
from mediapipe.operations.manual_control import known_accounts
from mediapipe.operations.routes.urls import webhook_path
from mediapipe.operations.routes.watch import update_incident
from mediapipe.queueing.dispatch import try_publish
from mediapipe.redaction import mask_addresses
from tasks.read_routes import read_routes

LIST = "admin:mediapipe_webhookroute_changelist"
MAY_REFRESH = "mediapipe.refresh_webhookroute"
MAY_SEE_NUMBERS = "mediapipe.view_numbers"
# If no worker takes the task within this time, the user has to click again.
EXPIRES_S = 60
# CSS class of the colour, and sign.
LOOKS = {
    Verdict.HERE: ("stored", "✓"),
    Verdict.HERE_BY_GET: ("waiting", "!"),
    Verdict.DEFERS: ("absent", "○"),
    Verdict.ELSEWHERE: ("absent", "→"),
    Verdict.NO_URL: ("absent", "○"),
    Verdict.APPLICATION: ("waiting", "?"),
}
WRONG = ("failed", "✕")
LEVELS = {
    "wrong": (*WRONG, "error"),
    "look": ("waiting", "!", "warning"),
    "ok": ("stored", "✓", "ok"),
}


class RouteAccountFilter(ExactFilter):
    title = "account"
    parameter_name = "account_sid__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(sid, text.account_name(sid)) for sid in known_accounts()]


@admin.register(WebhookRoute)
class WebhookRouteAdmin(ReadOnlyAdmin):
    """The numbers, messaging services and senders of all accounts."""

    explanation = (
        "The webhook URL of each number, messaging service and sender at Twilio, read every ten "
        "minutes. Twilio calls the URL of a sender, a messaging service or a TwiML application "
        "before that of the number."
    )
    list_title = "Webhook setup"
    columns = ("verdict_label", "url_at_twilio", "account", "last_read")
    list_display_links = None
    list_filter = ("verdict", "kind", RouteAccountFilter)
    ordering = ("account_sid", "kind", "name", "sid")
    sortable_by = ()
    search_help_text = "A SID. If your role may see numbers, also a number or part of a URL."
    actions = ("accept",)
    change_list_template = "admin/mediapipe/webhookroute/change_list.html"

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["mediapipe/webhook_setup.css"]}

    @property
    def empty(self) -> str:  # type: ignore[override]  # it depends on a setting
        """What to do before anything is listed."""
        if not settings.PUBLIC_BASE_URL:
            return "Set PUBLIC_BASE_URL and restart: the URLs at Twilio are compared with it."
        here = f"{settings.PUBLIC_BASE_URL}{webhook_path('messaging')}"
        return (
            f"Nothing has been read yet. Point a number here: set “A message comes in” to {here} "
            "at Twilio. Then run manage.py doctor, or choose “Read again now”."
        )

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        name = "full_name" if request.user.has_perm(MAY_SEE_NUMBERS) else "masked_name"
        return (name, *self.columns)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_list_display(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_list_display(request)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the searchable columns; only users who may see numbers can search for them."""
        return ("sid", "name", "url") if request.user.has_perm(MAY_SEE_NUMBERS) else ("sid",)

    def has_accept_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mediapipe.manage_incident")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {
            "unread": RouteReading.objects.exclude(error="").order_by("account_sid"),
            "may_refresh": request.user.has_perm(MAY_REFRESH) and settings.PUBLIC_BASE_URL,
            "doctor": doctor_findings(),
        }
        return super().changelist_view(request, more | (extra_context or {}))

    @admin.action(description="Accept where the selected ones send now", permissions=["accept"])
    def accept(self, request: HttpRequest, selected: QuerySet[Any]) -> None:
        """No longer expect the selected ones to point here, until they do so again."""
        chosen = WebhookRoute.objects.filter(pk__in=selected.values("pk"))
        rows = list(chosen.exclude(pointed_here_at=None))
        log_changes(request.user, rows, "Accepted where it sends its webhooks.")
        chosen.update(pointed_here_at=None)
        for account_sid in {row.account_sid for row in rows}:
            update_incident(account_sid)
        messages.success(request, f"{text.counted(len(rows), 'route')} accepted.")

    @admin.display(description="number, service or sender")
    def full_name(self, route: WebhookRoute) -> str:
        return text.plain(route.title)

    @admin.display(description="number, service or sender")
    def masked_name(self, route: WebhookRoute) -> str:
        return text.plain(route)

    @admin.display(description="verdict")
    def verdict_label(self, route: WebhookRoute) -> SafeString:
        was_here = route.pointed_here_at and not route.points_here
        look, sign = WRONG if was_here else LOOKS.get(Verdict(route.verdict), WRONG)
        words = [text.plain(route.outcome)]
        if route.via:
            words.append(f"through {text.plain(route.via)}")
        if was_here:
            words.append(f"last pointed here at {text.local_time(route.pointed_here_at)}")
        label = '<span class="state-{}"><span aria-hidden="true">{}</span> {}</span>'
        return format_html(label, look, sign, ", ".join(words))

    @admin.display(description="URL at Twilio", empty_value="none")
    def url_at_twilio(self, route: WebhookRoute) -> str | None:
        # The path of a URL may contain the number.
        return text.plain(mask_addresses(route.url)) or None

    @admin.display(description="account")
    def account(self, route: WebhookRoute) -> SafeString:
        return text.account(route.account_sid)

    @admin.display(description="last read")
    def last_read(self, route: WebhookRoute) -> str:
        return text.timestamp(route.checked_at)


def doctor_findings() -> list[dict[str, Any]]:
    """Return what the doctor last found in each part, the worst first, with its look and time."""
    reports = list(DoctorReport.objects.order_by("pk"))
    return [
        {
            "part": report.part,
            "at": report.at,
            **dict(zip(("look", "sign", "word"), LEVELS[state], strict=True)),
            "what": text.plain(finding["what"]).removesuffix("."),
            **{key: text.plain(finding[key]) for key in ("where", "todo")},
        }
        for state in LEVELS
        for report in reports
        for finding in report.findings
        if finding["state"] == state
    ]


@page("webhook-setup/refresh/", name="refresh_webhook_routes", permission=MAY_REFRESH)
def refresh(request: HttpRequest) -> HttpResponse:
    """Let a worker read the URLs at Twilio now, and redirect to the list."""
    if request.method != "POST":
        return not_posted(request, LIST)
    if try_publish(_publish):
        log_action(request.user, "all accounts", "Read the URLs at Twilio.", about=WebhookRoute)
        messages.success(
            request, "A worker is reading the URLs at Twilio. Reload this page in a few seconds."
        )
    else:
        messages.error(request, "Nothing was read: the broker does not respond. Try again.")
    return redirect(LIST)


def _publish(producer: Producer) -> None:
    read_routes.apply_async(producer=producer, retry=False, expires=EXPIRES_S)
