from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from mediapipe.models import Cause, Incident, IncidentStep, StepKind
from mediapipe.redaction import mask_addresses, strip_url_secrets

TEST = "test"
HEADLINES = {
    StepKind.OPENED: "New incident",
    StepKind.WORSE: "Incident got worse",
    StepKind.RECOVERED: "Incident is over",
    StepKind.REOPENED: "Incident is back",
    TEST: "Test message",
}


@dataclass(frozen=True, slots=True)
class Announcement:
    """An incident step for users and for programs; times are ISO 8601 in UTC.

    `detail` is the note of the step, the latest detail of the incident or the meaning of its cause.
    Personal addresses in it and in the ticket number are masked, because notifications leave the
    service. The fields are keys of the signed webhook.
    """

    kind: str
    at: str
    incident: int | None = None
    url: str = ""
    cause: str = ""
    cause_name: str = ""
    account_sid: str = ""
    state: str = ""
    detail: str = ""
    measured: float | None = None
    usual: float | None = None
    affected: int = 0
    first_seen_at: str | None = None
    opened_at: str | None = None
    last_seen_at: str | None = None
    resolved_at: str | None = None
    ticket: str = ""

    @property
    def headline(self) -> str:
        """The subject line, such as `New incident: Early 404s, account AC...`."""
        about = [self.cause_name, f"account {self.account_sid}" if self.account_sid else ""]
        return ": ".join(filter(None, (HEADLINES[self.kind], ", ".join(filter(None, about)))))

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield the known facts as name and value for users; times are in TIME_ZONE."""
        if self.kind == TEST:
            return
        if self.affected:
            yield "Affected media", str(self.affected)
        for name, at in (
            ("First seen", self.first_seen_at),
            ("Opened", self.opened_at),
            ("Last seen", self.last_seen_at),
            ("Resolved", self.resolved_at),
        ):
            if at:
                yield name, local_time(at)
        if self.ticket:
            yield "Ticket", self.ticket

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def announcement(step: IncidentStep) -> Announcement:
    """Return the content for this step, as of now."""
    incident = step.incident
    detail = step.note or incident.detail or Cause(incident.cause).meaning
    return Announcement(
        kind=step.kind,
        at=step.at.isoformat(),
        incident=incident.pk,
        url=link_to(incident),
        cause=incident.cause,
        cause_name=incident.get_cause_display(),
        account_sid=incident.account_sid,
        state=incident.state,
        detail=mask_addresses(detail),
        measured=incident.measured,
        usual=incident.usual,
        affected=incident.affected,
        first_seen_at=_iso(incident.first_seen_at),
        opened_at=_iso(incident.opened_at),
        last_seen_at=_iso(incident.last_seen_at),
        resolved_at=_iso(incident.resolved_at),
        ticket=mask_addresses(incident.ticket),
    )


def sample_announcement(at: datetime) -> Announcement:
    """Return the content of a test message."""
    url = _public_url(reverse("admin:index"))
    detail = "This is a test message to verify the channel."
    return Announcement(kind=TEST, at=at.isoformat(), url=url, detail=detail)


def link_to(incident: Incident) -> str:
    """Return the URL of the incident's page; empty without PUBLIC_BASE_URL."""
    return _public_url(reverse("admin:mediapipe_incident_change", args=[incident.pk]))


def _public_url(path: str) -> str:
    origin = strip_url_secrets(settings.PUBLIC_BASE_URL)
    return origin and f"{origin}{path}"


def local_time(text: str) -> str:
    """Return an ISO 8601 time in TIME_ZONE, with its offset, for users."""
    local = timezone.localtime(datetime.fromisoformat(text))
    return f"{local:%Y-%m-%d %H:%M:%S} {local.isoformat()[-6:]}"


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
