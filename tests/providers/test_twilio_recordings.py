"""What is read from a callback about a recording."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from mediapipe.failures import (
    AddressRefused,
    Failure,
    RecordingAbsent,
    RecordingFailed,
    RecordingSilent,
    RecordingTooShort,
    UrlMissing,
)
from mediapipe.providers.base import AnnouncedMedia, InboundMessage
from tests.support.payloads import twilio
from tests.support.payloads.provider import failure_of, only_media, parse, reason
from tests.support.payloads.twilio import (
    RECORDING_SID,
    RECORDING_URL,
)

RECORDING_URL_FIELD = f"&RecordingUrl={quote(RECORDING_URL, safe='')}"


@pytest.mark.parametrize("name", [name for name in twilio.RECORDINGS if name != "absent"])
def test_every_callback_announces_the_same_recording(name: str) -> None:
    inbound = parse(twilio.RECORDINGS[name], "recording")
    assert inbound.subject_sid == RECORDING_SID
    assert only_media(inbound) == AnnouncedMedia(RECORDING_SID, RECORDING_URL, RECORDING_SID)


def test_a_conference_recording_has_no_call() -> None:
    inbound = parse(twilio.CONFERENCE_RECORDING, "recording")
    assert (inbound.call_sid, inbound.conference_sid) == ("", twilio.CONFERENCE_SID)


def test_the_recording_sid_of_a_dial_action_is_read_from_its_url() -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&DialCallStatus=completed{RECORDING_URL_FIELD}"
    inbound = parse(body, "recording")
    assert inbound.subject_sid == only_media(inbound).identity == RECORDING_SID


def test_a_record_action_has_a_sender_and_a_recipient() -> None:
    inbound = parse(twilio.RECORD_VERB_ACTION, "recording")
    assert (inbound.sender, inbound.recipient) == ("+15550000002", "+15550000001")


def recording(status: str, *more: str) -> InboundMessage:
    fields = [f"AccountSid={twilio.ACCOUNT_SID}", f"RecordingSid={RECORDING_SID}", *more]
    return parse("&".join([*fields, f"RecordingStatus={status}"]), "recording")


@pytest.mark.parametrize("status", ["in-progress", "paused", "stopped", "processing"])
def test_an_unfinished_recording_has_no_media_yet(status: str) -> None:
    assert recording(status + RECORDING_URL_FIELD).media == ()


@pytest.mark.parametrize("status", ["completed", "", "new-status"])
def test_a_recording_with_any_other_status_and_a_url_has_media(status: str) -> None:
    assert only_media(recording(status + RECORDING_URL_FIELD)).failure is None


@pytest.mark.parametrize(
    ("fields", "failure", "detail"),
    [
        ("absent", RecordingAbsent, ""),
        ("absent&ErrorCode=16101", RecordingTooShort, "Twilio error 16101"),
        ("absent&ErrorCode=16102", RecordingSilent, "Twilio error 16102"),
        ("absent&ErrorCode=16199", RecordingAbsent, "Twilio error 16199"),
        ("failed", RecordingFailed, ""),
        ("failed&ErrorCode=16110", RecordingFailed, "Twilio error 16110"),
        ("failed&ErrorCode=0", RecordingFailed, ""),
        ("absent&ErrorCode=" + "9" * 300, RecordingAbsent, ""),
    ],
)
def test_an_absent_or_failed_recording_has_a_failure_that_states_the_reason(
    fields: str, failure: type[Failure], detail: str
) -> None:
    item = only_media(recording(fields))
    assert (item.identity, item.url) == (RECORDING_SID, "")
    assert failure_of(item) == (failure, detail)


def test_an_absent_recording_keeps_its_url_only_if_it_is_valid() -> None:
    assert only_media(recording("absent" + RECORDING_URL_FIELD)).url == RECORDING_URL
    assert only_media(recording("absent&RecordingUrl=https://evil.example/")).url == ""


def test_the_captured_webhook_of_an_absent_recording_is_parsed() -> None:
    inbound = parse(twilio.RECORDING_ABSENT, "recording")
    assert inbound.call_sid == twilio.CALL_SID
    assert failure_of(only_media(inbound)) == (RecordingAbsent, "")


def test_a_completed_recording_without_a_url_is_a_failure() -> None:
    item = only_media(recording("completed"))
    assert item.identity == "unnamed"
    assert failure_of(item)[0] is UrlMissing


def test_a_recording_at_a_foreign_host_is_refused_under_an_identity_of_its_own() -> None:
    item = only_media(recording("completed&RecordingUrl=https://bucket.example/a.wav"))
    assert item.identity.startswith("refused-")
    assert failure_of(item)[0] is AddressRefused


@pytest.mark.parametrize("sid", ["RE1", RECORDING_SID + "%0A", "MM" + "1" * 32])
def test_a_recording_without_a_valid_sid_is_unreadable(sid: str) -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&RecordingSid={sid}{RECORDING_URL_FIELD}"
    assert reason(body, "recording") == "recording_sid"


def test_a_callback_without_a_recording_sid_is_unreadable() -> None:
    assert reason(f"AccountSid={twilio.ACCOUNT_SID}", "recording") == "recording_sid"


@pytest.mark.parametrize(
    ("field", "slug"),
    [
        ("CallSid=CA1", "call_sid"),
        (f"CallSid=CF{'1' * 32}", "call_sid"),
        ("ConferenceSid=CF1", "conference_sid"),
    ],
)
def test_a_callback_with_a_malformed_call_or_conference_sid_is_unreadable(
    field: str, slug: str
) -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&RecordingSid={RECORDING_SID}&{field}"
    assert reason(body, "recording") == slug


def test_an_empty_call_sid_is_accepted() -> None:
    assert recording("completed", "CallSid=").call_sid == ""
