from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from mediapipe.admin import filters, incident_page, text
from mediapipe.admin.held_up import waiting_now
from mediapipe.admin.pages import not_posted
from mediapipe.admin.readonly import PageAdmin
from mediapipe.models import Incident
from mediapipe.operations.audit_log import log_changes

# The text that a step needs: the name of its field, and its maximum length in characters.
TEXTS = {"report": ("ticket", 64), "note": ("note", 255)}
# The log entry of each step.
DONE = {
    "acknowledge": "Acknowledged.",
    "report": "Reported to Twilio.",
    "resolve": "Resolved.",
    "ignore": "Ignored until resolved.",
    "reopen": "Reopened.",
    "note": "Noted.",
}


class OpenedFilter(filters.PeriodFilter):
    title = "opened"
    column = "opened_at"


class ResolvedFilter(filters.NamedEmptyFilter):
    filter_title = "end"
    names: ClassVar[dict[str, str]] = {"Empty": "Ongoing", "Not empty": "Resolved"}


@admin.register(Incident)
class IncidentAdmin(PageAdmin):
    """Problems of an account or of the whole service, from detection to resolution."""

    docs = "escalation.md#incidents"

    explanation = (
        "Problems of an account or of the whole service. They open and resolve automatically; "
        "normally none is open."
    )
    empty = "No incident yet: nothing was wrong for long enough."
    list_display = ("opened", "status", "name", "account", "items", "detail", "resolved", "ticket")
    list_display_links = ("name",)
    list_filter = (
        OpenedFilter,
        "state",
        "cause",
        filters.AccountFilter,
        ("resolved_at", ResolvedFilter),
    )
    ordering = ("-opened_at",)
    sortable_by = ("opened", "items")
    actions = ("acknowledge", "resolve", "ignore")

    def get_urls(self) -> list[URLPattern]:
        """Add the URL that takes a step on one incident."""
        step = path(
            "<int:pk>/<slug:step>/",
            self.admin_site.admin_view(self.step),
            name="mediapipe_incident_step",
        )
        # Before Django's catch-all; its other URLs end in words that are not steps.
        return [*super().get_urls()[:-1], step, super().get_urls()[-1]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the incidents, each with the number of items that wait because of it."""
        incidents: QuerySet[Any] = super().get_queryset(request).annotate(waiting=waiting_now())
        return incidents

    def show(self, request: HttpRequest, row: Any) -> HttpResponse:
        may_manage = self.has_manage_permission(request)
        return incident_page.render_incident(request, row, may_manage=may_manage)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mediapipe.manage_incident")

    def step(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Take one step on one incident, and redirect to its page."""
        if step not in DONE:
            raise Http404
        if not self.has_manage_permission(request):
            raise PermissionDenied
        incident = get_object_or_404(Incident, pk=pk)
        if request.method != "POST":
            return not_posted(request, "admin:mediapipe_incident_change", pk)
        field, longest = TEXTS.get(step, ("", 0))
        said = text.plain(request.POST.get(field, "").strip())
        if field and not 0 < len(said) <= longest:
            messages.error(request, f"Enter a {field} of at most {longest} characters.")
        elif _take_step(request, [incident], step, said):
            messages.success(request, DONE[step])
        else:
            messages.warning(request, "Nothing was changed: another user was faster.")
        return redirect("admin:mediapipe_incident_change", incident.pk)

    @admin.action(description="Acknowledge the selected ones", permissions=["manage"])
    def acknowledge(self, request: HttpRequest, selected: QuerySet[Incident]) -> None:
        _take_step_with_all(request, selected, "acknowledge")

    @admin.action(description="Resolve the selected ones", permissions=["manage"])
    def resolve(self, request: HttpRequest, selected: QuerySet[Incident]) -> None:
        _take_step_with_all(request, selected, "resolve")

    @admin.action(description="Ignore the selected ones", permissions=["manage"])
    def ignore(self, request: HttpRequest, selected: QuerySet[Incident]) -> None:
        _take_step_with_all(request, selected, "ignore")

    @admin.display(description="incident")
    def name(self, incident: Incident) -> str:
        return incident.get_cause_display()

    @admin.display(description="account")
    def account(self, incident: Incident) -> str:
        return text.account(incident.account_sid) if incident.account_sid else "all"

    @admin.display(description="state", ordering="state")
    def status(self, incident: Incident) -> SafeString:
        return text.state_label(incident.state)

    @admin.display(description="media", ordering="affected")
    def items(self, incident: Any) -> str:
        # The number of waiting items is not stored with the incident: it changes all the time.
        waiting = incident.waiting
        return (
            text.grouped(incident.affected)
            if waiting is None
            else f"{text.grouped(waiting)} waiting"
        )

    @admin.display(description="opened", ordering="opened_at")
    def opened(self, incident: Incident) -> str:
        return text.timestamp(incident.opened_at)

    @admin.display(description="resolved", ordering="resolved_at")
    def resolved(self, incident: Incident) -> str:
        return text.timestamp(incident.resolved_at)


def _take_step_with_all(request: HttpRequest, incidents: Iterable[Incident], step: str) -> None:
    chosen = list(incidents)
    changed = len(_take_step(request, chosen, step))
    skipped = len(chosen) - changed
    rest = f" {text.counted(skipped, 'incident')} skipped." if skipped else ""
    messages.success(request, f"{text.counted(changed, 'incident')}: {DONE[step]}{rest}")


def _take_step(
    request: HttpRequest, incidents: Iterable[Incident], step: str, said: str = ""
) -> list[Incident]:
    """Take the step on each incident whose state permits it; log and return those incidents."""
    user: Any = request.user
    steps: dict[str, Callable[[Incident], bool]] = {
        "acknowledge": lambda incident: incident.acknowledge(user),
        "report": lambda incident: incident.report(user, said),
        "resolve": lambda incident: incident.resolve(user),
        "ignore": lambda incident: incident.ignore(user),
        "reopen": lambda incident: incident.reopen(user),
        "note": lambda incident: incident.add_note(user, said),
    }
    changed = [incident for incident in incidents if steps[step](incident)]
    message = f"{DONE[step].removesuffix('.')}: {said}" if said else DONE[step]
    log_changes(user, changed, message)
    return changed
