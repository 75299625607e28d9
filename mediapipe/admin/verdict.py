"""One sentence and one colour for everything that is monitored: the first thing on call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from mediapipe.admin.held_up import held_up_by
from mediapipe.admin.text import plain
from mediapipe.models import AccountHealth, Incident
from mediapipe.operations.components import Component

# More would be a list, and there is a list.
MOST = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for attention, and the page that says more about it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs attention; nothing if all is well. `more` is how many reasons are left out."""

    reasons: Sequence[Reason]
    more: int = 0


def verdict(components: Sequence[Component]) -> Attention:
    """Return what needs attention: components, then incidents, then accounts paused by users."""
    index = reverse("admin:index")
    found = [
        Reason(f"{component.name} {component.summary}", f"{index}#service")
        for component in components
        if not component.healthy
    ]
    found += [_incident(incident) for incident in Incident.objects.open()]
    found += [
        Reason(
            f"{_short(account.account_sid)} is paused by {plain(account.paused_by)}",
            reverse("admin:mediapipe_accounthealth_change", args=[account.pk]),
        )
        for account in AccountHealth.objects.paused_by_users()
    ]
    return Attention(found[:MOST], len(found[MOST:]))


def _incident(incident: Incident) -> Reason:
    account = f" of {_short(incident.account_sid)}" if incident.account_sid else ""
    # What waits is counted now; the detail is from the last time that it was seen.
    more = str(held_up_by(incident) or plain(incident.detail).rstrip("."))
    text = f"{incident.get_cause_display()}{account}{': ' + more if more else ''}"
    return Reason(text, reverse("admin:mediapipe_incident_change", args=[incident.pk]))


def _short(account_sid: str) -> str:
    """Return enough of an account SID to tell accounts apart: `AC…5151`."""
    return f"{account_sid[:2]}…{account_sid[-4:]}"
