"""What load balancers and Prometheus get while a database or broker is unavailable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import InterfaceError, connection
from django.test import Client
from prometheus_client.openmetrics import parser as openmetrics

from mediapipe.failures import Failure, TooLarge, Unauthorized
from mediapipe.models import Cause, Incident, MediaItem, Rejection, Status
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.operations import counters
from mediapipe.providers.base import Evidence
from mediapipe.webhooks import spool
from tests.support import make
from tests.support.metrics import families, values
from tests.support.servers import free_port
from tests.support.webhooks import ARRIVED, MESSAGING, mms, send

pytestmark = pytest.mark.django_db
PATHS = ["/healthz", "/readyz", "/metrics"]


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a broker that responds."""
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "memory://")


@contextmanager
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the connection to the database, and let new connections fail."""
    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", "/nowhere/database")
        yield
    connection.close()


def test_a_process_that_responds_is_alive(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_service_with_database_and_broker_is_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "database": True,
        "broker": True,
        "broker_problem": None,
        "spool": 0,
        "workers": 0,
        "beat": False,
    }


def test_a_service_without_a_broker_is_ready_because_items_await_the_dispatcher(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", f"redis://127.0.0.1:{free_port()}/0")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (200, False)


@pytest.mark.django_db(transaction=True)
def test_a_service_without_a_database_is_alive_but_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_database(monkeypatch):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["database"]) == (503, False)
        assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_metrics_show_a_database_outage_and_the_size_of_the_spool(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put(ARRIVED)
    with no_database(monkeypatch):
        found = families(client)
    assert set(found) == {"mediapipe_spool", "mediapipe_spool_refused", "mediapipe_database_up"}
    assert values(found["mediapipe_spool"]) == {"": 1}
    assert values(found["mediapipe_database_up"]) == {"": 0}


def test_a_closed_connection_counts_as_an_unavailable_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed() -> None:
        # psycopg2 raises this for a broken connection; Django does not count it as a DatabaseError.
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(connection, "cursor", closed)
    assert client.get("/readyz").status_code == 503
    assert values(families(client)["mediapipe_database_up"]) == {"": 0}


def test_every_metric_is_exported_from_an_empty_database(client: Client) -> None:
    found = families(client)
    assert values(found["mediapipe_media"]) == dict.fromkeys(Status.values, 0)
    assert values(found["mediapipe_incidents_open"]) == dict.fromkeys(Cause.values, 0)
    assert values(found["mediapipe_notices"]) == dict.fromkeys(DeliveryStatus.values, 0)
    assert values(found["mediapipe_oldest_unfinished_seconds"]) == {"": 0}
    assert values(found["mediapipe_database_up"]) == {"": 1}


@pytest.mark.usefixtures("published")
def test_webhooks_are_counted_including_repeats(client: Client) -> None:
    webhook = mms()
    for _ in range(3):
        send(webhook)
    make.media(make.recording())
    for _ in range(2):
        counters.roll_up(time.monotonic())
    counted = values(families(client)["mediapipe_webhooks"])
    assert counted == {"message": 3, "recording": 1, "conversation": 0}


def test_media_items_are_counted_by_status_and_failures_by_reason(client: Client) -> None:
    make.event(make.message(3))
    for failure in (TooLarge(), TooLarge(), Unauthorized()):
        make.claimed().mark_failed(failure, Evidence())
    found = families(client)
    assert values(found["mediapipe_media"])["queued"] == 3
    assert values(found["mediapipe_media"])["failed"] == 3
    assert values(found["mediapipe_media_failed"]) == {"too_large": 2, "unauthorized": 1}


def test_refused_webhooks_are_counted_over_all_hours(client: Client) -> None:
    for item in (make.media(), make.media()):
        Rejection.add("signature_wrong", item.received_at.replace(year=2020))
        Rejection.add("signature_wrong", item.received_at)
    assert values(families(client)["mediapipe_webhooks_refused"]) == {"signature_wrong": 4}


def test_an_incident_is_counted_while_it_is_open(client: Client) -> None:
    Incident.open_or_update(Cause.STORAGE)
    Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    Incident.resolve_for(Cause.CREDENTIALS, make.ACCOUNT)
    found = values(families(client)["mediapipe_incidents_open"])
    assert (found["storage_failed"], found["credentials_refused"]) == (1, 0)


def test_the_age_of_the_oldest_unfinished_item_is_exported(client: Client) -> None:
    item = make.media()
    MediaItem.objects.update(received_at=item.received_at.replace(year=2020))
    (age_s,) = values(families(client)["mediapipe_oldest_unfinished_seconds"]).values()
    assert age_s > 365 * 86400


@pytest.mark.usefixtures("published")
def test_no_metric_label_contains_untrusted_input(client: Client) -> None:
    for _ in range(3):
        send(mms(), signature="wrong")
        strange = {"AccountSid": make.sid("AC"), "MessageSid": make.sid("SM"), "Body": "canary"}
        client.post(MESSAGING, strange, content_type="application/x-www-form-urlencoded")
        client.post(f"{MESSAGING}?canary={make.sid('SM')}", headers={"X-Canary": "canary"})
        send(mms().changed(MediaContentType0=f"canary/{make.sid('x')}"))
    labels = [
        (name, value)
        for family in families(client).values()
        for sample in family.samples
        for name, value in sample.labels.items()
    ]
    assert {name for name, _ in labels} == {
        *("kind", "reason", "status", "cause", "part", "queue", "receiver", "result", "le"),
    }
    reasons = {value for name, value in labels if name == "reason"}
    assert 0 < len(reasons) <= 4
    words = [value for name, value in labels if name != "le"]
    assert all(value.replace("_", "").isalnum() for value in words)


def test_only_the_slug_of_a_failure_is_a_metric_label(client: Client) -> None:
    slugs = {failure.slug for failure in Failure.all()}
    for _ in range(2):
        make.claimed().mark_failed(TooLarge(make.sid("ME")), Evidence(request_id=make.sid("RQ")))
    assert set(values(families(client)["mediapipe_media_failed"])) <= slugs


def test_openmetrics_is_returned_to_a_client_that_accepts_it(client: Client) -> None:
    make.media()
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    text = answer.content.decode()
    found = openmetrics.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    assert {"mediapipe_webhooks", "mediapipe_media"} <= {family.name for family in found}


@pytest.mark.parametrize("path", PATHS)
def test_a_monitoring_endpoint_is_read_only(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    for method in ("post", "put", "patch", "delete", "options"):
        assert getattr(client, method)(path).status_code == 405


@pytest.mark.parametrize("path", PATHS)
def test_a_monitoring_endpoint_sets_no_cookie(client: Client, path: str) -> None:
    assert not client.get(path).cookies
