"""What a person does with an incident, and the log of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from mediapipe.admin.text import counted, plain
from mediapipe.models import Incident, IncidentState

MAX_TICKET = 64
# What the log says of each step; what the button says is the name of the step.
DONE = {
    "acknowledge": "Acknowledged.",
    "report": "Reported to Twilio.",
    "resolve": "Resolved.",
    "ignore": "Ignored until it is over.",
    "reopen": "Opened again.",
}


def possible(incident: Incident) -> list[str]:
    """Return the steps that make sense now, the nearest one first."""
    if incident.state in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.REPORTED):
        first = ["acknowledge"] if incident.state == IncidentState.OPEN else []
        return [*first, "report", "resolve", "ignore"]
    over = incident.resolved_at is not None
    return ["reopen", "report"] if over else ["reopen", "report", "resolve"]


def take(request: HttpRequest, incident: Incident, step: str) -> HttpResponse:
    """Take one step, write down who did it, and go back to the page of the incident."""
    if step not in DONE:
        raise Http404
    ticket = plain(request.POST.get("ticket", "").strip())
    if step == "report" and not 0 < len(ticket) <= MAX_TICKET:
        messages.error(
            request, f"Write the number of Twilio's ticket, of {MAX_TICKET} characters at most."
        )
    elif _taken(request, [incident], step, ticket):
        messages.success(request, DONE[step])
    else:
        messages.warning(request, "Nothing was changed: somebody else was faster.")
    return redirect("admin:mediapipe_incident_change", incident.pk)


def take_with_all(request: HttpRequest, incidents: Iterable[Incident], step: str) -> None:
    """Take one step with each of these incidents that are not past it."""
    chosen = list(incidents)
    count = len(_taken(request, chosen, step))
    left = len(chosen) - count
    left_alone = f" {counted(left, 'incident')} left alone." if left else ""
    messages.success(request, f"{counted(count, 'incident')}: {DONE[step]}{left_alone}")


def _taken(
    request: HttpRequest, incidents: Iterable[Incident], step: str, ticket: str = ""
) -> list[Incident]:
    user: Any = request.user
    ways: dict[str, Callable[[Incident], bool]] = {
        "acknowledge": lambda incident: incident.acknowledge(user),
        "report": lambda incident: incident.report(user, ticket),
        "resolve": lambda incident: incident.resolve(user),
        "ignore": lambda incident: incident.ignore(user),
        "reopen": lambda incident: incident.reopen(user),
    }
    changed = [incident for incident in incidents if ways[step](incident)]
    said = f"{DONE[step]} Ticket {ticket}." if ticket else DONE[step]
    # log_actions takes a query, and what was changed is a few rows at most.
    rows = Incident.objects.filter(pk__in=[incident.pk for incident in changed])
    LogEntry.objects.log_actions(str(user.pk), rows, CHANGE, change_message=said)
    return changed
