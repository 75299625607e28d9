"""An outage of two hours in which no webhook arrived, and its reconciliation."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from mediapipe.models import Reconciliation
from mediapipe.simulator import Simulator
from mediapipe.simulator.script import MediaScript
from tests.support import make

END = timezone.now().replace(microsecond=0) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=2)


def message(twilio: Simulator, at: datetime = BEGIN, **options: Any) -> MediaScript:
    usual: dict[str, Any] = {"account_sid": make.ACCOUNT, "created_at": at}
    return twilio.add_message_media(**usual | options)


def recording(twilio: Simulator, at: datetime = BEGIN, **options: Any) -> MediaScript:
    usual: dict[str, Any] = {"account_sid": make.ACCOUNT, "created_at": at}
    return twilio.add_recording(**usual | options)


def command(*more: str) -> str:
    """Reconcile the outage with the command; return its output."""
    out = StringIO()
    period = ["--since", BEGIN.isoformat(), "--until", END.isoformat()]
    call_command("reconcile", *period, *more, stdout=out)
    return out.getvalue()


def save_reconciliation(since: datetime = BEGIN, until: datetime = END) -> Reconciliation:
    run = Reconciliation.build(make.ACCOUNT, since, until)
    run.save()
    return run


def requested_lists(twilio: Simulator) -> list[str]:
    """Return the paths of the lists that were requested."""
    return [entry.path for entry in twilio.log.all() if entry.path.endswith("s.json")]
