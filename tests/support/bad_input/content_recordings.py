"""C: recording callbacks with odd states, lengths and SIDs."""

from __future__ import annotations

from tests.support.bad_input.cases import COMPLETED, ONE_PICTURE, Pairs, changed
from tests.support.bad_input.content_cases import bad_recording, recording
from tests.support.payloads import twilio


def status(value: str, **more: str | None) -> Pairs:
    return changed(COMPLETED, RecordingStatus=value, **more)


RECORDINGS = [
    recording("C35 absent", status("absent"), ("recording_absent",)),
    recording("C35 failed", status("failed"), ("recording_failed",)),
    recording("C35 too short", status("absent", ErrorCode="16101"), ("recording_too_short",)),
    recording("C35 silent", status("absent", ErrorCode="16102"), ("recording_silent",)),
    recording(
        "C35 absent for an unknown reason",
        status("absent", ErrorCode="99999"),
        ("recording_absent",),
    ),
    recording(
        "C35 absent for an unreadable reason",
        status("absent", ErrorCode="-1e9"),
        ("recording_absent",),
    ),
    recording(
        "C35 absent for a reason of 5000 digits",
        status("absent", ErrorCode="9" * 5000),
        ("recording_absent",),
    ),
    recording(
        "C35 absent with a URL elsewhere",
        status("absent", RecordingUrl="http://x/"),
        ("recording_absent",),
    ),
    recording("C35 in progress", status("in-progress"), ()),
    recording("C35 processing", status("processing"), ()),
    recording("C35 an unknown status", status("exploded")),
    recording("C35 a status in upper case", status("ABSENT")),
    recording("C35 no status", changed(COMPLETED, RecordingStatus=None)),
    recording(
        "C35 completed without a URL", changed(COMPLETED, RecordingUrl=None), ("url_missing",)
    ),
    recording(
        "C35 completed with an empty URL", changed(COMPLETED, RecordingUrl=""), ("url_missing",)
    ),
    recording(
        "C35 completed elsewhere",
        changed(COMPLETED, RecordingUrl="http://x/"),
        ("address_refused",),
    ),
    recording(
        "C35 another recording's URL",
        changed(COMPLETED, RecordingSid=f"RE{'9' * 32}"),
        ("address_refused",),
    ),
    recording("C36 ErrorCode=0", changed(COMPLETED, ErrorCode="0")),
    recording("C36 an error code on success", changed(COMPLETED, ErrorCode="16101")),
    recording("C36 a duration of nonsense", changed(COMPLETED, RecordingDuration="-1e99")),
    recording("C36 a start in the year 99999", changed(COMPLETED, RecordingStartTime="99999")),
    recording("C14 only the URL names it", changed(COMPLETED, RecordingSid=None)),
    recording("C14 no call", changed(COMPLETED, CallSid=None)),
    recording("C14 an empty call", changed(COMPLETED, CallSid="")),
    bad_recording(
        "C14 no recording SID and no URL", changed(COMPLETED, RecordingSid=None, RecordingUrl=None)
    ),
    bad_recording(
        "C14 no recording SID and a URL elsewhere",
        changed(COMPLETED, RecordingSid=None, RecordingUrl="http://x/"),
    ),
    bad_recording("C14 a message at the recording URL", ONE_PICTURE, "wrong_url"),
    bad_recording(
        "C15 two recording SIDs", (*COMPLETED, ("RecordingSid", f"RE{'9' * 32}")), "ambiguous"
    ),
    bad_recording("C15 two calls", (*COMPLETED, ("CallSid", f"CA{'9' * 32}")), "ambiguous"),
    bad_recording(
        "C16 a recording SID of 35 characters", changed(COMPLETED, RecordingSid=f"RE{'3' * 33}")
    ),
    bad_recording(
        "C17 a message SID as recording", changed(COMPLETED, RecordingSid=twilio.MMS_SID)
    ),
    bad_recording(
        "C16 a call SID of 35 characters", changed(COMPLETED, CallSid=f"CA{'4' * 33}"), "call_sid"
    ),
    bad_recording("C18 a path as call", changed(COMPLETED, CallSid="../x"), "call_sid"),
    bad_recording(
        "C18 a conference with a line end",
        changed(COMPLETED, ConferenceSid=f"CF{'5' * 32}\n"),
        "conference_sid",
    ),
]
