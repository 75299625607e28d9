from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from mediapipe.models import BulkAction, BulkJobMedia, IncidentStep, StepKind

STEPS = {
    StepKind.ACKNOWLEDGED: "Acknowledged.",
    StepKind.REPORTED: "Reported to Twilio: {}",
    StepKind.NOTED: "Noted: {}",
    StepKind.IGNORED: "Ignored until resolved.",
}


def save_entries() -> None:
    """Save the entries that pages write about incidents and about the items of jobs."""
    entries = [*_of_steps(), *_of_jobs()]
    LogEntry.objects.bulk_create(sorted(entries, key=lambda entry: entry.action_time))


def _of_steps() -> Iterator[LogEntry]:
    for step in IncidentStep.objects.exclude(by=None).select_related("incident", "by"):
        yield _entry(step.by, step.incident, STEPS[StepKind(step.kind)].format(step.note), step.at)


def _of_jobs() -> Iterator[LogEntry]:
    for row in BulkJobMedia.objects.select_related("job__by", "media"):
        job = row.job
        gives_up = job.action == BulkAction.GIVE_UP
        said = (
            f"Given up by job {job.pk}: {job.reason}" if gives_up else f"Retried by job {job.pk}."
        )
        yield _entry(job.by, row.media, said, job.started_at)


def _entry(user: Any, row: Any, message: str, at: datetime) -> LogEntry:
    return LogEntry(
        user=user,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row),
        action_flag=CHANGE,
        change_message=message,
        action_time=at,
    )
