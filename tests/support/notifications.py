"""An incident, and notification channels that lead to this machine."""

from __future__ import annotations

import base64
import contextlib

from pytest_django import Settings

from mediapipe.escalation.notifications.channels import deliver_notice
from mediapipe.failures import Undelivered
from mediapipe.models import Cause, Channel, Incident, MediaItem, Notice, Observation
from mediapipe.settings.outgoing import mail_server
from tests.support import make
from tests.support.configuration import env

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
NOWHERE = "http://127.0.0.1:9/s3cret"


def configure(settings: Settings, *, webhook: str = "", slack: str = "", mail: int = 0) -> None:
    """Configure each channel for which a URL, or the port of a mail server, is given."""
    settings.PUBLIC_BASE_URL = "https://media.example.com"
    settings.ESCALATION_WEBHOOK_URL, settings.ESCALATION_SLACK_URL = webhook, slack
    settings.ESCALATION_WEBHOOK_SECRETS = [SECRET]
    settings.ESCALATION_EMAILS = ["ann@example.com", "bob@example.com"] if mail else []
    settings.EMAIL_URL = f"smtp://127.0.0.1:{mail}"
    use_mail_server(settings, settings.EMAIL_URL)
    settings.DEFAULT_FROM_EMAIL = "mediapipe@example.com"


def use_mail_server(settings: Settings, url: str) -> None:
    """Apply the settings that EMAIL_URL stands for in this version of Django."""
    for name, value in mail_server(env(EMAIL_URL=url), "EMAIL_URL").items():
        setattr(settings, name, value)


def report_early_404s(
    measured: float = 30.0, detail: str = "30 of 200 media had an early 404."
) -> Incident:
    """Report early 404s as detection does; return their incident."""
    observation = Observation(measured, 3.0, detail, MediaItem.objects.all())
    incident = Incident.open_or_update(Cause.EARLY_404S, make.ACCOUNT, observation)
    assert incident is not None
    incident.refresh_from_db()
    return incident


def attempt(notice: Notice) -> Notice:
    """Make the attempt that is due; return the notice as it is afterwards."""
    claimed = Notice.claim(notice.pk)
    assert claimed is not None
    with contextlib.suppress(Undelivered):
        deliver_notice(claimed)
    notice.refresh_from_db()
    return notice


def only_notice(channel: Channel) -> Notice:
    """Return the only notice of this channel."""
    return Notice.objects.get(channel=channel)
