from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin.search import HELP
from mediapipe.admin.text import counted
from mediapipe.admin.tiles import Figures, waiting_tiles
from mediapipe.admin.verdict import verdict
from mediapipe.gateway.entries import entry_names
from mediapipe.models import AccountHealth, GatewayDelivery, Incident
from mediapipe.operations.components import Component, components

# How often the page refreshes, in seconds; without JavaScript there is a link.
REFRESH_S = 15
INCIDENTS = "admin:mediapipe_incident_changelist"
ACCOUNTS = "admin:mediapipe_accounthealth_changelist"
DELIVERIES = "admin:mediapipe_gatewaydelivery_changelist"


def overview(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the index page; empty without the permission to view media."""
    if not request.user.has_perm("mediapipe.view_mediaitem"):
        return {}
    now = timezone.now()
    figures = Figures(now)
    waiting, oldest = waiting_tiles(now)
    monitored = components()
    service = [*monitored, _accounts(), _incidents(), *_apps()]
    return {
        "groups": {
            "The last 24 hours": [*figures.counts(), figures.early(), waiting],
            "Delays": [*figures.delays(), figures.lag(), oldest],
        },
        "compared": figures.compared,
        "verdict": verdict(monitored),
        "parts": service,
        # Problems of the service are shown above the figures, because they may explain them.
        "all_well": all(component.healthy for component in service),
        "refresh_s": REFRESH_S,
        "search_help": HELP,
    }


@dataclass(frozen=True, slots=True)
class ListedProblems(Component):
    """Problems that are shown like a component of the service, with a link to their list."""

    url: str = ""


def _accounts() -> Component:
    count = AccountHealth.objects.exclude(paused_at=None).count()
    sentence = "none paused" if not count else f"{count} paused"
    todo = "Nothing is fetched for a paused account; the list says who or what paused it."
    return ListedProblems("accounts", not count, sentence, todo, reverse(ACCOUNTS))


def _apps() -> Iterator[Component]:
    """Yield the apps behind the gateway, if there are any."""
    if entry_names():
        count = GatewayDelivery.objects.resendable().count()
        sentence = (
            f"{counted(count, 'message')} not delivered" if count else "all messages delivered"
        )
        todo = "Each delivery says why; send the messages again once that is fixed."
        yield ListedProblems("apps", not count, sentence, todo, reverse(DELIVERIES))


def _incidents() -> Component:
    count = Incident.objects.open().count()
    sentence = "none open" if not count else f"{count} open"
    url = f"{reverse(INCIDENTS)}?resolved_at__isempty=1"
    todo = "Each incident says what to do."
    return ListedProblems("incidents", not count, sentence, todo, url)
