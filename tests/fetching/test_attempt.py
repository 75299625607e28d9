"""One attempt from the claimed row to the stored file, over real sockets."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from mediapipe.fetching import storage
from mediapipe.fetching.attempt import attempt as run_attempt
from mediapipe.models import MediaItem, Status
from mediapipe.models.status import Phase
from mediapipe.simulator import Simulator, faults
from tests.support import make
from tests.support.fetching import announced, attempt, picture, stored_files

pytestmark = pytest.mark.django_db


def test_a_picture_is_stored_with_the_bytes_that_were_served(twilio: Simulator) -> None:
    item = picture(twilio)
    assert attempt(item) == "stored"
    script = twilio.state.find(item.identity)
    assert script is not None
    with storages["media"].open(item.storage_name) as file:
        assert file.read() == script.body
    assert (item.size, item.sha256) == (script.size, script.sha256)
    assert (item.status, item.content_type) == (Status.STORED, "image/jpeg")


def test_an_attempt_reads_once_and_writes_twice_to_each_row(twilio: Simulator) -> None:
    item = picture(twilio)
    with CaptureQueriesContext(connection) as captured:
        claimed = MediaItem.claim(item.pk)
        assert claimed is not None
        assert run_attempt(claimed, countdown_allowed=lambda: True).failure is None
    verbs = [query["sql"].split()[0] for query in captured]
    # One transaction before the request, for the claim and its attempt row, and one for their end.
    claim, end = ["SELECT", "SAVEPOINT", "UPDATE", "INSERT", "RELEASE"], ["UPDATE", "UPDATE"]
    assert verbs == [*claim, "SAVEPOINT", *end, "RELEASE"]


def test_an_attempt_records_its_evidence(twilio: Simulator) -> None:
    item = picture(twilio)
    attempt(item)
    row = item.attempt_set.get()
    assert (row.outcome, row.http_status) == ("stored", 200)
    assert row.redirect_host.startswith("127.0.0.2:")
    assert row.twilio_request_id.startswith("RQ")
    assert row.bytes_received == item.size
    assert row.home_region == "us1"


def test_credentials_are_sent_only_to_the_first_origin(twilio: Simulator) -> None:
    item = picture(twilio)
    attempt(item)
    assert [e.had_authorization for e in twilio.log.of(item.identity)] == [True, False]
    assert twilio.log.credentials_at_cdn() == []


def test_a_recording_is_stored_with_the_type_that_its_response_declares(twilio: Simulator) -> None:
    item = announced(twilio.add_recording(account_sid=make.ACCOUNT))
    assert attempt(item) == "stored"
    assert item.declared_content_type == "audio/x-wav"
    assert item.storage_name.endswith(f"/{item.identity}.wav")


def test_an_item_waits_for_its_next_attempt_after_an_early_404(twilio: Simulator) -> None:
    item = picture(twilio, delay_s=60)
    assert attempt(item) == "not_ready"
    assert (item.status, item.not_found_count, item.twilio_code) == (Status.RETRYING, 1, 20404)
    assert item.next_attempt_at is not None
    assert item.phase == Phase.FAST


def test_late_media_is_found_between_the_last_404_and_the_first_other_response(
    twilio: Simulator,
) -> None:
    item = picture(twilio, faults=[faults.Status(404)])
    attempt(item)
    MediaItem.objects.update(next_attempt_at=item.received_at)
    assert attempt(item) == "stored"
    assert item.last_not_found_at is not None
    assert item.found_at is not None
    assert item.retrieved_at is not None
    assert item.received_at <= item.last_not_found_at < item.found_at <= item.retrieved_at


@pytest.mark.parametrize(
    ("fault", "outcome", "status"),
    [
        (faults.Status(401), "unauthorized", Status.FAILED),
        (faults.Status(403), "unauthorized", Status.FAILED),
        (faults.Status(400), "bad_request", Status.FAILED),
        (faults.Status(410), "gone", Status.FAILED),
        (faults.Status(408), "twilio_error", Status.RETRYING),
        (faults.Status(425), "twilio_error", Status.RETRYING),
        (faults.Status(429, "2"), "rate_limited", Status.RETRYING),
        (faults.Status(503), "twilio_error", Status.RETRYING),
        (faults.Status(403, at="cdn"), "cdn_refused", Status.RETRYING),
        (faults.Status(404, at="cdn"), "not_ready", Status.RETRYING),
        (faults.Truncated(at="cdn"), "truncated", Status.RETRYING),
        (faults.TruncatedChunked(at="cdn"), "truncated", Status.RETRYING),
        (faults.EmptyBody(at="cdn"), "empty", Status.RETRYING),
        (faults.HtmlPage(at="cdn"), "error_document_as_media", Status.RETRYING),
        (faults.ErrorXml(), "error_document_as_media", Status.RETRYING),
        (faults.Gzip(at="cdn"), "wrong_encoding", Status.RETRYING),
        (faults.Reset(), "connection_failed", Status.RETRYING),
        (faults.RedirectTo("http://169.254.169.254/latest/"), "redirect_refused", Status.FAILED),
        (faults.RedirectTo("file:///etc/passwd"), "redirect_refused", Status.FAILED),
        (faults.RedirectTo("https://api.twilio.com@evil.example/"), "redirect_refused", "failed"),
        (faults.RedirectLoop(), "redirect_refused", Status.FAILED),
        (faults.Hops(30), "redirect_refused", Status.FAILED),
    ],
    ids=repr,
)
def test_each_bad_response_has_its_outcome_and_leaves_no_file(
    twilio: Simulator, settings: Settings, fault: faults.Fault, outcome: str, status: str
) -> None:
    item = picture(twilio, faults=[fault])
    assert attempt(item) == outcome
    assert (item.status, item.error) == (status, outcome)
    assert item.attempt_set.get().outcome == outcome
    assert stored_files(settings) == []


def test_a_body_over_the_cap_fails_at_once(twilio: Simulator, settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES = 1000
    item = picture(twilio, size=1001)
    assert attempt(item) == "too_large"
    assert stored_files(settings) == []


def test_a_dripping_body_is_cut_off_at_the_deadline(twilio: Simulator, settings: Settings) -> None:
    settings.MEDIA_TOTAL_TIMEOUT_S = 0.5
    item = picture(twilio, faults=[faults.DripBody(at="cdn", interval_s=0.05)])
    assert attempt(item) == "too_slow"


def test_no_request_is_sent_to_a_url_in_a_private_network(
    twilio: Simulator, settings: Settings
) -> None:
    item = picture(twilio)
    settings.MEDIA_ALLOWED_NETWORKS = []
    assert attempt(item) == "address_refused"
    assert twilio.log.of(item.identity) == []


def test_an_item_waits_without_using_up_retries_if_its_account_has_no_credentials(
    twilio: Simulator, settings: Settings
) -> None:
    item = picture(twilio)
    settings.TWILIO_AUTH_TOKEN = ""
    assert attempt(item) == "retrying: config_missing"
    assert (item.status, item.fast_retries, item.slow_retries) == (Status.RETRYING, {}, 0)


def test_a_full_storage_is_a_local_failure(
    twilio: Simulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storages["media"], "save", full)
    item = picture(twilio)
    assert attempt(item) == "retrying: storage_failed"
    assert item.not_found_count == 0
    assert stored_files(settings) == []


def test_a_second_fetch_overwrites_the_same_file(twilio: Simulator, settings: Settings) -> None:
    item = picture(twilio)
    attempt(item)
    first = item.storage_name
    MediaItem.objects.update(status=Status.QUEUED, next_attempt_at=item.received_at)
    attempt(item)
    assert item.storage_name == first
    assert len(stored_files(settings)) == 1


def test_an_item_fails_after_three_interruptions_without_another_request(twilio: Simulator) -> None:
    item = picture(twilio)
    MediaItem.objects.update(interruptions=3)
    assert attempt(item) == "interrupted"
    assert twilio.log.of(item.identity) == []


def test_a_bug_leaves_the_item_to_the_dispatcher(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*args: object, **kwargs: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(storage, "storage_name", bug)
    item = picture(twilio)
    with pytest.raises(ZeroDivisionError):
        attempt(item)
    assert item.attempt_set.get().outcome == "interrupted"
    assert item.attempt_set.get().detail == "ZeroDivisionError"
    assert item.sweep_at is not None


def test_a_file_name_from_the_sender_is_never_used_in_the_storage(
    twilio: Simulator, settings: Settings
) -> None:
    item = picture(twilio, disposition='attachment; filename="../../etc/passwd"')
    attempt(item)
    (path,) = stored_files(settings)
    assert path.name == f"{item.identity}.jpg"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == item.sha256
