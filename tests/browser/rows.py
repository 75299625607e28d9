"""A row for every list, with the longest values that each column may have."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_celery_results.models import TaskResult

from mediapipe.models import (
    AccountHealth,
    ApiToken,
    BulkAction,
    BulkJob,
    Deletion,
    DoctorReport,
    FetchAttempt,
    GatewayDelivery,
    HandOff,
    Incident,
    MediaItem,
    Notice,
    Reconciliation,
    Rejection,
    RouteKind,
    Verdict,
    WebhookRoute,
)
from mediapipe.models.incident_steps import IncidentStep
from mediapipe.operations import roles
from tests.support import make

LONG = "connection to api.de1.dublin.us1.twilio.example.com:443 was reset by the other side " * 3
LOG = [{"at": "2026-03-20T12:00:00+00:00", "took_s": 0.123, "result": LONG[:200]}] * 3


def make_rows() -> dict[str, int]:
    """Insert the rows; return the id of one row for each detail page."""
    now = timezone.now()
    hour = timedelta(hours=1)
    conversation = make.message(3, sender="whatsapp:+15550000002", call_sid=make.sid("CA"))
    event = make.event(conversation, at=now - hour)
    item = event.media.all()[0]
    MediaItem.objects.filter(pk=item.pk).update(
        status="failed",
        error="declared_type_mismatch",
        detail=LONG[:200],
        content_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        host="media.s3-external-1.amazonaws.example.com",
        attempts=18,
        not_found_count=17,
        last_not_found_at=now,
        delay_at_least_s=17.5,
        failed_at=now,
        twilio_request_id="RQ" + "0" * 32,
        storage_name="2026/03/01/" + "a" * 80,
    )
    for number in range(1, 19):
        FetchAttempt.objects.create(
            media=item,
            number=number,
            started_at=now - hour + timedelta(seconds=number),
            duration_s=0.5,
            outcome="transient_404",
            http_status=404,
            detail=LONG[:200],
            twilio_code=20404,
            twilio_request_id="RQ" + "0" * 32,
            redirect_host="media.s3-external-1.amazonaws.example.com",
            bytes_received=123_456_789,
            worker="downloads@media-worker-01.example.com",
            task_id="d" * 36,
        )
    outbox = {"status": "failed", "attempts": 24, "log": LOG, "media": item}
    hand_off = HandOff.objects.create(receiver="webhook", ending="media.failed", **outbox)
    deletion = Deletion.objects.create(**outbox)
    incident = Incident.objects.create(
        cause="credentials_refused",
        account_sid=make.ACCOUNT,
        detail=LONG[:200],
        first_seen_at=now - hour,
        opened_at=now - hour,
        last_seen_at=now,
    )
    step = IncidentStep.objects.create(incident=incident, kind="opened", at=now, note=LONG[:200])
    notice = Notice.objects.create(
        incident=incident, step=step, channel="mail", status="failed", attempts=24, log=LOG
    )
    delivery = GatewayDelivery.objects.create(
        event=item.event,
        entry="a-helpdesk-with-a-long-name",
        status="gave_up",
        hold_until=now,
        holds_for_media=True,
        received_at=now,
        sweep_at=now,
        attempts=24,
        http_status=503,
        detail=LONG[:200],
        media_then="3 stored, 1 retrying",
        log=LOG,
    )
    health = AccountHealth.objects.create(
        account_sid=make.ACCOUNT, paused_at=now, probe_at=now, refusals=17
    )
    WebhookRoute.objects.create(
        account_sid=make.ACCOUNT,
        kind=RouteKind.SENDER,
        sid=make.sid("XE"),
        name="whatsapp:+15550000001",
        url=f"https://old.example.com/{'webhook' * 40}",
        verdict=Verdict.ELSEWHERE,
        via=make.sid("MG"),
        checked_at=now,
        pointed_here_at=now - hour,
    )
    finding = {"state": "wrong", "what": LONG, "where": "x" * 200, "todo": LONG}
    DoctorReport.objects.create(part="public URL", at=now, findings=[finding])
    Rejection.objects.create(reason="signature_mismatch", hour=now, count=1234, last_at=now)
    Reconciliation.objects.create(
        account_sid=make.ACCOUNT,
        since=now - hour,
        until=now,
        done_until=now,
        started_at=now,
        touched_at=now,
        looked_at=12_345,
        taken_in=123,
        error="network_unreachable",
    )
    token = ApiToken.make("a helpdesk with a rather long name", [make.ACCOUNT, make.sid("AC")])
    assert token
    user = User.objects.create_user("somebody.with.a.long.name@example.com")
    result = TaskResult.objects.create(
        task_id="d" * 36, task_name="tasks.fetch_media", status="FAILURE", worker="w" * 40
    )
    kind = ContentType.objects.get_for_model(MediaItem)
    LogEntry.objects.create(
        user=user,
        content_type=kind,
        object_id=str(item.pk),
        object_repr=str(item),
        action_flag=CHANGE,
        change_message=LONG[:200],
    )
    job = BulkJob.create(
        MediaItem.objects.filter(pk=item.pk).values_list("pk", flat=True),
        by=user,
        chosen=LONG[:200],
        action=BulkAction.RETRY,
        reason="",
    )
    return {
        "mediapipe/mediaitem": item.pk,
        "mediapipe/webhookevent": event.pk,
        "mediapipe/handoff": hand_off.pk,
        "mediapipe/deletion": deletion.pk,
        "mediapipe/incident": incident.pk,
        "mediapipe/notice": notice.pk,
        "mediapipe/gatewaydelivery": delivery.pk,
        "mediapipe/accounthealth": health.pk,
        "mediapipe/apitoken": ApiToken.objects.get().pk,
        "django_celery_results/taskresult": result.pk,
        "job": job.pk,
        "role": Group.objects.get(name=roles.SUPPORT).pk,
    }
