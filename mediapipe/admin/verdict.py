"""One sentence and one colour for everything that is monitored: the first thing to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from mediapipe.admin.held_up import held_up_by
from mediapipe.admin.text import account_name, plain
from mediapipe.models import AccountHealth, Incident
from mediapipe.operations.components import Component

# For the rest the sentence links to a list.
MOST = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for attention, and the page that says more about it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs attention; empty if all is well. `rest` is the number of reasons left out."""

    reasons: Sequence[Reason]
    rest: Reason | None = None


def verdict(components: Sequence[Component]) -> Attention:
    """Return what needs attention: components, then incidents, then accounts paused by users."""
    index = reverse("admin:index")
    found = [
        Reason(f"{component.name} {component.summary}", f"{index}#service")
        for component in components
        if not component.healthy
    ]
    found += [_incident(incident) for incident in Incident.objects.open()]
    paused = [
        Reason(
            f"{_short(account.account_sid)} is paused by {plain(account.paused_by)}",
            reverse("admin:mediapipe_accounthealth_change", args=[account.pk]),
        )
        for account in AccountHealth.objects.paused_by_users()
    ]
    # Incidents come first: without room for all of them, their list has more of the rest.
    if len(found) > MOST:
        rest = f"{reverse('admin:mediapipe_incident_changelist')}?resolved_at__isempty=1"
    else:
        rest = reverse("admin:mediapipe_accounthealth_changelist")
    found += paused
    if len(found) <= MOST:
        return Attention(found)
    return Attention(found[:MOST], Reason(f"and {len(found) - MOST} more", rest))


def _incident(incident: Incident) -> Reason:
    account = f" ({_short(incident.account_sid)})" if incident.account_sid else ""
    # The number of waiting items is current; the detail is from when the cause was last seen.
    held_up = held_up_by(incident)
    detail = plain(incident.detail).rstrip(".")
    more = str(held_up) if held_up and (held_up.count or not detail) else detail
    text = f"{incident.get_cause_display()}{account}{': ' + more if more else ''}"
    return Reason(text, reverse("admin:mediapipe_incident_change", args=[incident.pk]))


def _short(account_sid: str) -> str:
    """Return the name of an account, or enough of its SID to tell accounts apart: `AC…5151`."""
    name = account_name(account_sid)
    return f"{account_sid[:2]}…{account_sid[-4:]}" if name == account_sid else name
