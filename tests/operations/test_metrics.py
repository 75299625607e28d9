"""Counters and histograms of /metrics count each row exactly once."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
import yaml
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import TooLarge, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import Completion, Counter, Deletion, HandOff, Heartbeat, MediaItem, Watermark
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.operations import counters
from mediapipe.providers.base import Body, Evidence
from mediapipe.webhooks.record import record
from tests.support import gateway, make
from tests.support.metrics import families, values
from tests.support.retention import age, stored

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DOCKER = Path(__file__).resolve().parent.parent.parent / "docker"
HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def count() -> None:
    counters.roll_up(time.monotonic() + 60)


def late() -> MediaItem:
    """Return a picture that is stored after one 404."""
    item = make.media()
    for evidence in (Evidence(http_status=404), Evidence(http_status=200)):
        MediaItem.objects.update(next_attempt_at=timezone.now())
        claimed = MediaItem.claim(item.pk)
        assert claimed
        if evidence.http_status == 404:
            conclude(claimed, TransientMedia404(), evidence)
        else:
            body = Body(size=3, sha256="ab" * 32, head=b"abc")
            claimed.mark_stored(evidence, body, content_type="image/jpeg", storage_name="a/b.jpg")
    return item


def test_finished_items_and_attempts_are_counted_by_outcome(client: Client) -> None:
    late()
    stored()
    make.claimed().mark_failed(TooLarge(), Evidence(http_status=200))
    age(HOUR)
    count()
    found = families(client)
    assert values(found["mediapipe_media_finished"]) == {"stored": 2, "failed": 1}
    assert values(found["mediapipe_early_404"]) == {"stored": 1, "failed": 0}
    assert values(found["mediapipe_failures"]) == {"too_large": 1}
    attempts = {"not_ready": 1, "stored": 2, "too_large": 1}
    assert values(found["mediapipe_attempts"]) == attempts
    assert values(found["mediapipe_media"])["stored"] == 2
    assert values(found["mediapipe_stored_bytes"]) == {"": 6}


def test_queue_lag_and_both_bounds_of_the_propagation_delay_are_histograms(client: Client) -> None:
    late()
    MediaItem.objects.update(queue_lag_s=0.2, delay_at_least_s=2.0, delay_at_most_s=7.0)
    age(HOUR)
    count()
    found = families(client)
    for name, below, above, total in (
        ("queue_lag_seconds", "0.1", "0.25", 0.2),
        ("propagation_delay_at_least_seconds", "1", "2.5", 2.0),
        ("propagation_delay_at_most_seconds", "5", "10", 7.0),
    ):
        samples = found[f"mediapipe_{name}"].samples
        buckets = {s.labels["le"]: s.value for s in samples if "le" in s.labels}
        assert [buckets[le] for le in (below, above, "+Inf")] == [0, 1, 1]
        assert [s.value for s in samples if s.name.endswith("_sum")] == [total]


def test_a_second_count_adds_only_new_items_and_attempts(client: Client) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for number in (1, 2):
            stored()
            clock.shift(timedelta(minutes=1))
            count()
            count()
            found = families(client)
            assert values(found["mediapipe_media_finished"])["stored"] == number
            assert values(found["mediapipe_attempts"]) == {"stored": number}


def test_attempts_deleted_by_retention_stay_counted(client: Client) -> None:
    stored()
    age(HOUR)
    count()
    MediaItem.objects.update(purged_at=timezone.now(), storage_name="")
    MediaItem.objects.get().attempt_set.all().delete()
    count()
    assert values(families(client)["mediapipe_attempts"]) == {"stored": 1}


def test_an_item_that_finished_just_now_is_left_to_a_later_count(
    client: Client,
) -> None:
    stored()
    count()
    assert values(families(client)["mediapipe_media_finished"])["stored"] == 0


def test_a_long_attempt_delays_the_count_and_is_not_missed(client: Client) -> None:
    running = make.claimed()
    stored()
    age(HOUR)
    count()
    assert values(families(client)["mediapipe_attempts"]) == {}
    running.mark_failed(TooLarge(), Evidence(http_status=200))
    count()
    assert values(families(client)["mediapipe_attempts"]) == {"stored": 1, "too_large": 1}


def test_webhooks_are_counted_regardless_of_when_they_were_received(client: Client) -> None:
    announced = make.message()
    make.event(announced)
    make.event(announced)
    make.event(make.recording(), at=timezone.now() - timedelta(days=3))
    count()
    count()
    found = families(client)
    webhooks = {"message": 2, "recording": 1, "conversation": 0}
    assert values(found["mediapipe_webhooks"]) == webhooks
    assert values(found["mediapipe_media_announced"]) == webhooks | {"message": 1}
    assert values(found["mediapipe_webhooks_repeated"])["message"] == 1


def test_an_old_database_is_counted_in_several_portions(client: Client) -> None:
    for days in (1, 2, 5):
        stored()
        MediaItem.objects.update(retrieved_at=F("retrieved_at") - timedelta(days=days))
    counters.roll_up(0.0)
    assert values(families(client)["mediapipe_media_finished"])["stored"] == 1
    count()
    assert values(families(client)["mediapipe_media_finished"])["stored"] == 3


def test_a_failed_count_leaves_the_watermark_and_the_counters_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored()
    age(HOUR)

    def fail(counts: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Counter, "add", fail)
        with pytest.raises(ZeroDivisionError):
            count()
    assert not Watermark.objects.filter(stream="stored").exclude(until=None).exists()
    count()
    assert Counter.by_name()["finished"]["stored"] == 1


def test_workers_are_counted_by_the_queue_that_they_serve(client: Client) -> None:
    for name in ("media@a", "media@b", "retries@a", "celery@c"):
        Heartbeat.record(f"worker {name}")
    found = values(families(client)["mediapipe_queue_workers"])
    assert found == {"media": 3, "retries": 2, "housekeeping": 1}


def create_hand_offs(item: MediaItem, *, webhook: int = 0, task: int = 0, **state: str) -> None:
    for receiver, number in (("webhook", webhook), ("task", task)):
        HandOff.objects.bulk_create(
            HandOff(media=item, receiver=receiver, ending=Completion.STORED, **state)
            for _ in range(number)
        )


def test_hand_offs_are_counted_until_they_are_delivered(client: Client) -> None:
    item = stored()
    create_hand_offs(item, webhook=3, task=2, status=DeliveryStatus.WAITING)
    create_hand_offs(item, webhook=1, status=DeliveryStatus.FAILED)
    create_hand_offs(item, webhook=4, status=DeliveryStatus.DELIVERED)
    assert values(families(client)["mediapipe_hand_offs"]) == {
        "webhookwaiting": 3,
        "webhookfailed": 1,
        "taskwaiting": 2,
        "taskfailed": 0,
    }


def test_the_age_of_the_oldest_waiting_hand_off_starts_when_its_item_finished(
    client: Client,
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        create_hand_offs(stored(), webhook=1, status=DeliveryStatus.FAILED)
        MediaItem.objects.update(retrieved_at=NOON - HOUR)
        for _ in range(2):
            create_hand_offs(stored(), webhook=1)
        clock.shift(HOUR)
        assert values(families(client)["mediapipe_oldest_hand_off_seconds"]) == {"": 3600}
        HandOff.objects.update(status=DeliveryStatus.DELIVERED)
        assert values(families(client)["mediapipe_oldest_hand_off_seconds"]) == {"": 0}


def test_deletions_are_counted_until_twilio_has_deleted_the_media(client: Client) -> None:
    for status in ("waiting", "waiting", "failed", "delivered"):
        Deletion.objects.create(media=stored(), status=status)
    assert values(families(client)["mediapipe_deletions"]) == {"waiting": 2, "failed": 1}


def test_media_found_by_reconciliation_is_counted_separately(client: Client) -> None:
    make.media()
    found_at = timezone.now()
    record(make.recording(), provider="twilio", received_at=found_at - HOUR, reconciled_at=found_at)
    count()
    count()
    found = families(client)
    kinds = {"message": 0, "recording": 1, "conversation": 0}
    assert values(found["mediapipe_media_reconciled"]) == kinds
    assert values(found["mediapipe_media_announced"]) == kinds | {"message": 1}


def printed(client: Client) -> set[str]:
    """Return the names of all series that /metrics prints."""
    lines = client.get("/metrics").content.decode().splitlines()
    return {re.split(r"[ {]", line)[0] for line in lines if not line.startswith("#")}


def named(text: str) -> set[str]:
    return set(re.findall(r"\bmediapipe_[a-z0-9_]+", text))


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_alerts_and_dashboard_use_only_exported_metrics(
    client: Client, name: str, settings: Settings, tmp_path: Path
) -> None:
    gateway.configure(settings, tmp_path, {})
    late()
    make.claimed().mark_failed(TooLarge(), Evidence(http_status=200))
    make.media()
    assert client.post("/webhooks/twilio/messaging/").status_code == 400
    age(HOUR)
    count()
    used = named((DOCKER / name).read_text())
    assert used
    assert used - printed(client) == set()


def test_every_alert_has_a_severity_a_summary_and_a_runbook_heading() -> None:
    rules = yaml.safe_load((DOCKER / "alerts.yml").read_text())["groups"][0]["rules"]
    operating = (DOCKER.parent / "docs" / "operating.md").read_text().lower()
    headings = {
        re.sub(r"[^\w -]", "", heading).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", operating, re.MULTILINE)
    }
    assert len(rules) > 5
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["runbook"].partition("#")[2] in headings, rule["alert"]
