import json
import re
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import ACCOUNT_SID

EVERY: list[Callable[[], Webhook]] = [
    payloads.sms,
    payloads.mms,
    lambda: payloads.mms(3),
    payloads.whatsapp,
    payloads.whatsapp_voice_note,
    payloads.whatsapp_document,
    payloads.whatsapp_without_number,
    payloads.whatsapp_text,
    payloads.recording_status,
    payloads.record_verb_status,
    payloads.absent_recording,
    payloads.record_action,
    payloads.transcription,
    payloads.conference_recording,
    payloads.conversation,
    lambda: payloads.conversation(2),
]


def names(webhook: Webhook) -> list[str]:
    return [name for name, _ in webhook.parameters]


def test_an_mms_webhook_equals_the_captured_one_except_for_fresh_sids() -> None:
    webhook = payloads.mms(3)
    form = re.sub(r"(?<=AC|MM|ME)[0-9a-f]{32}", "*", webhook.form())
    media = "https%3A%2F%2Fapi.twilio.com%2F2010-04-01%2FAccounts%2FAC*%2FMessages%2FMM*%2FMedia"
    assert form == (
        "ToCountry=US&ToState=FL&SmsMessageSid=MM*&ToCity=ORANGE+CITY&FromZip=05701&SmsSid=MM*"
        "&FromState=VT&SmsStatus=received&FromCity=RUTLAND&Body=&FromCountry=US"
        "&To=%2B15550000001&ToZip=32763&NumSegments=3&MessageSid=MM*&AccountSid=AC*"
        "&From=%2B15550000002&NumMedia=3&MediaContentType0=image%2Fjpeg"
        "&MediaContentType1=image%2Fjpeg&MediaContentType2=image%2Fjpeg"
        f"&MediaUrl0={media}%2FME*&MediaUrl1={media}%2FME*&MediaUrl2={media}%2FME*"
        "&ApiVersion=2010-04-01"
    )


@pytest.mark.parametrize("make", EVERY)
def test_every_webhook_has_fresh_sids_and_survives_encoding_and_decoding(
    make: Callable[[], Webhook],
) -> None:
    first, second = make(), make()
    assert first.parameters != second.parameters
    assert first["AccountSid"] == ACCOUNT_SID
    assert "$" not in first.form()
    assert parse_qsl(first.form(), keep_blank_values=True) == list(first.parameters)


def test_an_mms_webhook_has_the_urls_and_content_types_of_its_media() -> None:
    webhook = payloads.mms(2, ["image/png", "audio/amr"])
    assert webhook["NumMedia"] == webhook["NumSegments"] == "2"
    assert [webhook["MediaUrl0"], webhook["MediaUrl1"]] == [m.url for m in webhook.media]
    assert webhook["MediaContentType1"] == webhook.media[1].content_type == "audio/amr"
    assert webhook["MessageSid"] == webhook.media[0].parent_sid == webhook.media[1].parent_sid


def test_twelve_media_are_numbered_in_order() -> None:
    numbered = [name for name in names(payloads.mms(12)) if name.startswith("MediaUrl")]
    assert numbered == [f"MediaUrl{index}" for index in range(12)]


def test_options_apply_to_every_media_item() -> None:
    webhook = payloads.mms(2, delay_s=3, size=7)
    assert [(media.delay_s, media.size) for media in webhook.media] == [(3, 7), (3, 7)]


def test_a_whatsapp_voice_note_has_no_body() -> None:
    webhook = payloads.whatsapp_voice_note()
    assert webhook["MediaContentType0"] == "audio/ogg"
    assert "Body" not in names(webhook)


def test_a_whatsapp_document_has_its_file_name_as_its_body() -> None:
    assert payloads.whatsapp_document()["Body"] == "invoice.pdf"


def test_a_whatsapp_user_without_a_number_has_an_id_and_no_wa_id() -> None:
    webhook = payloads.whatsapp_without_number("BR.AbCd")
    assert webhook["From"] == webhook["ExternalUserId"] == "whatsapp:BR.AbCd"
    assert "WaId" not in dict(webhook.parameters)


def test_a_recording_callback_has_the_captured_format() -> None:
    webhook = payloads.recording_status()
    assert "&RecordingStartTime=Wed%2C%2020%20Apr%202022%2023%3A45%3A25%20%2B0000&" in (
        webhook.form()
    )
    assert webhook["RecordingUrl"] == webhook.media[0].url
    assert webhook["CallSid"] == webhook.media[0].parent_sid
    assert webhook["ErrorCode"] == "0"


def test_a_callback_for_a_recording_in_progress_announces_nothing() -> None:
    webhook = payloads.recording_status("in-progress")
    assert webhook["RecordingStatus"] == "in-progress"
    assert "RecordingDuration" not in names(webhook)
    assert not webhook.announces


def test_several_callbacks_can_be_about_one_recording() -> None:
    first = payloads.recording_status("in-progress")
    (script,) = first.media
    for later in (
        payloads.recording_status(of=script),
        payloads.record_verb_status(of=script),
        payloads.record_action(of=script),
        payloads.transcription(of=script),
    ):
        assert later["RecordingSid"] == first["RecordingSid"]
        assert later["CallSid"] == first["CallSid"]


def test_a_record_verb_callback_has_no_track() -> None:
    webhook = payloads.record_verb_status()
    assert webhook["RecordingSource"] == "RecordVerb"
    assert "RecordingTrack" not in names(webhook)


@pytest.mark.parametrize("error_code", ["16101", "16102"])
def test_an_absent_recording_has_an_error_code(error_code: str) -> None:
    webhook = payloads.absent_recording(error_code)
    assert (webhook["RecordingStatus"], webhook["ErrorCode"]) == ("absent", error_code)
    assert webhook.media[0].recording_status == "absent"


def test_a_record_action_has_no_recording_status() -> None:
    assert "RecordingStatus" not in names(payloads.record_action())


def test_a_conference_recording_has_a_conference_sid_and_no_call_sid() -> None:
    webhook = payloads.conference_recording()
    assert "CallSid" not in names(webhook)
    assert webhook["ConferenceSid"] == webhook.media[0].parent_sid


def test_a_conversation_webhook_names_its_media_without_urls() -> None:
    webhook = payloads.conversation(2)
    media = json.loads(webhook["Media"])
    assert [sorted(item) for item in media] == [["ContentType", "Filename", "Sid", "Size"]] * 2
    assert media[0]["Sid"] != media[1]["Sid"]


def test_a_fallback_request_names_the_error_and_the_failed_url() -> None:
    webhook = payloads.mms()
    second = webhook.fallback("11200", "https://example.com/hook")
    added = (("ErrorCode", "11200"), ("ErrorUrl", "https://example.com/hook"))
    assert second.parameters == (*webhook.parameters, *added)


def test_changed_parameters_keep_their_position_and_new_ones_are_appended() -> None:
    webhook = payloads.sms().changed(Body="other", New="1")
    assert names(webhook) == [*names(payloads.sms()), "New"]
    assert webhook["Body"] == "other"
