"""Recordings larger than MEDIA_MAX_BYTES have their own size limit, and more time."""

from __future__ import annotations

import socket
import time

import pytest
from pytest_django import Settings

from mediapipe.failures import TooLarge, TooSlow
from mediapipe.fetching.limits import LONGEST_CALL_BYTES, largest_bytes, time_limit_s
from mediapipe.models import Cause, Incident, MediaItem, Status
from mediapipe.simulator import Simulator
from tasks.close_incidents import close_incidents
from tests.support import make
from tests.support.downloads import Download, loopback  # noqa: F401
from tests.support.fetching import announced, attempt, picture, stored_files
from tests.support.raw_server import Script, serve

BLOCK_BYTES = 50_000


def slow(blocks: int, *, every_s: float) -> Script:
    """Send a body of this many blocks, one every `every_s` seconds."""

    def run(connection: socket.socket) -> None:
        length = blocks * BLOCK_BYTES
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
        for _ in range(blocks):
            connection.sendall(bytes(BLOCK_BYTES))
            time.sleep(every_s)

    return run


def test_the_defaults_accept_the_longest_call(settings: Settings) -> None:
    assert LONGEST_CALL_BYTES == 460_800_044
    assert largest_bytes() > LONGEST_CALL_BYTES
    assert settings.MEDIA_MAX_BYTES == 100 * 1024 * 1024


@pytest.mark.django_db
def test_a_recording_may_be_larger_than_other_media(twilio: Simulator, settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES, settings.MEDIA_MAX_RECORDING_BYTES = 1000, 5000
    item = announced(twilio.add_recording(account_sid=make.ACCOUNT, size=5000, channels=2))
    assert attempt(item) == "stored"
    assert attempt(picture(twilio, size=1001)) == "too_large"


@pytest.mark.django_db
def test_a_recording_over_its_own_limit_fails_at_once(
    twilio: Simulator, settings: Settings
) -> None:
    settings.MEDIA_MAX_BYTES, settings.MEDIA_MAX_RECORDING_BYTES = 1000, 5000
    item = announced(twilio.add_recording(account_sid=make.ACCOUNT, size=5001))
    assert attempt(item) == "too_large"
    assert (item.status, item.detail) == (Status.FAILED, "5001 bytes; the limit is 5000")
    assert stored_files(settings) == []


@pytest.mark.django_db
def test_an_incident_names_the_recording_that_is_too_large_until_it_is_stored(
    twilio: Simulator, settings: Settings
) -> None:
    settings.MEDIA_MAX_BYTES, settings.MEDIA_MAX_RECORDING_BYTES = 1000, 2000
    item = announced(twilio.add_recording(account_sid=make.ACCOUNT, size=5000))
    assert attempt(item) == "too_large"
    incident = Incident.objects.get()
    assert (incident.cause, incident.affected) == (Cause.RECORDING_SIZE, 1)
    assert incident.detail == f"{item.identity}: 5000 bytes; the limit is 2000."
    close_incidents()
    assert Incident.objects.ongoing().exists()
    settings.MEDIA_MAX_RECORDING_BYTES = 5000
    MediaItem.objects.update(status=Status.QUEUED, next_attempt_at=item.received_at)
    assert attempt(item) == "stored"
    close_incidents()
    assert not Incident.objects.ongoing().exists()


@pytest.mark.django_db
def test_a_picture_that_is_too_large_opens_no_incident(
    twilio: Simulator, settings: Settings
) -> None:
    settings.MEDIA_MAX_BYTES = 1000
    assert attempt(picture(twilio, size=1001)) == "too_large"
    assert not Incident.objects.exists()


@pytest.mark.django_db
def test_a_higher_limit_for_all_media_also_applies_to_recordings(
    twilio: Simulator, settings: Settings
) -> None:
    settings.MEDIA_MAX_BYTES, settings.MEDIA_MAX_RECORDING_BYTES = 5000, 1000
    item = announced(twilio.add_recording(account_sid=make.ACCOUNT, size=5000))
    assert attempt(item) == "stored"


def test_the_time_limit_grows_only_beyond_the_size_limit_of_other_media(settings: Settings) -> None:
    settings.MEDIA_TOTAL_TIMEOUT_S, settings.MEDIA_MAX_BYTES = 300.0, 100
    assert [time_limit_s(size) for size in (0, 100, 250)] == [300.0, 300.0, 750.0]


@pytest.mark.usefixtures("loopback")
def test_a_large_body_that_arrives_fast_enough_has_more_time(settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES, settings.MEDIA_TOTAL_TIMEOUT_S = BLOCK_BYTES, 1.0
    with serve(slow(6, every_s=0.2)) as origin:
        began = time.monotonic()
        assert Download(origin.url(), max_bytes=6 * BLOCK_BYTES).run().size == 6 * BLOCK_BYTES
    assert time.monotonic() - began > settings.MEDIA_TOTAL_TIMEOUT_S


@pytest.mark.usefixtures("loopback")
def test_a_large_body_that_drips_is_cut_off(settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES, settings.MEDIA_TOTAL_TIMEOUT_S = 3 * BLOCK_BYTES, 0.6
    with serve(slow(60, every_s=0.4)) as origin:
        began = time.monotonic()
        Download(origin.url(), max_bytes=60 * BLOCK_BYTES).fails_as(TooSlow)
    # The whole body would take 24 s.
    assert time.monotonic() - began < 12


@pytest.mark.usefixtures("loopback")
def test_a_large_body_without_a_declared_length_is_refused_beyond_the_limit(
    settings: Settings,
) -> None:
    settings.MEDIA_MAX_BYTES = 1000
    with serve(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(5001)) as origin:
        Download(origin.url(), max_bytes=5000).fails_as(TooLarge)
