from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediapipe import providers
from mediapipe.providers.base import AnnouncedMedia, Kind
from mediapipe.providers.refusals import WebhookUnreadable
from tests.support.payloads import twilio
from tests.support.payloads.provider import message, only_media, parse, reason
from tests.support.payloads.twilio import (
    MEDIA_SIDS,
    MEDIA_URLS,
    MMS_SID,
    RECORDING_SID,
    RECORDING_URL,
)

RECORDING_URL_FIELD = f"&RecordingUrl={quote(RECORDING_URL, safe='')}"


def test_a_picture_message_announces_its_pictures_in_order() -> None:
    inbound = parse(twilio.MMS_THREE_PICTURES)
    assert (inbound.kind, inbound.source) == (Kind.MESSAGE, "messaging")
    assert (inbound.account_sid, inbound.subject_sid) == (twilio.ACCOUNT_SID, MMS_SID)
    assert (inbound.sender, inbound.recipient) == ("+15550000002", "+15550000001")
    assert inbound.media == tuple(
        AnnouncedMedia(sid, url, sid, "image/jpeg")
        for sid, url in zip(MEDIA_SIDS, MEDIA_URLS, strict=True)
    )


def test_every_parameter_is_kept_in_its_order() -> None:
    body = twilio.MMS_THREE_PICTURES
    assert parse(body).parameters == tuple(parse_qsl(body, keep_blank_values=True))


def test_a_completed_recording_webhook_announces_the_recording() -> None:
    inbound = parse(twilio.RECORDING_COMPLETED, "recording")
    assert (inbound.kind, inbound.source) == (Kind.RECORDING, "recording")
    assert (inbound.subject_sid, inbound.call_sid) == (RECORDING_SID, twilio.CALL_SID)
    assert (inbound.conference_sid, inbound.sender, inbound.recipient) == ("", "", "")
    assert only_media(inbound) == AnnouncedMedia(RECORDING_SID, RECORDING_URL, RECORDING_SID)


@pytest.mark.parametrize(
    ("body", "content_types"),
    [
        (twilio.MMS_ONE_PICTURE, ["image/jpeg"]),
        (twilio.SMS_WITHOUT_MEDIA, []),
        (twilio.WHATSAPP_PICTURE, ["image/jpeg"]),
        (twilio.WHATSAPP_TEXT, []),
        (twilio.WHATSAPP_BUTTON, []),
        (twilio.WHATSAPP_VOICE_NOTE, ["audio/ogg"]),
        (twilio.WHATSAPP_DOCUMENT, ["application/pdf"]),
    ],
)
def test_every_captured_message_is_parsed(body: str, content_types: list[str]) -> None:
    media = parse(body).media
    assert [item.declared_content_type for item in media] == content_types
    assert all(item.failure is None for item in media)


@pytest.mark.parametrize("status", ["sent", "delivered", "undelivered"])
def test_a_status_callback_has_no_media(status: str) -> None:
    assert message(f"MessageStatus={status}", "ErrorCode=30008").media == ()


# Which message it is.


@pytest.mark.parametrize("name", ["MessageSid", "SmsMessageSid", "SmsSid"])
def test_the_message_sid_is_read_from_each_of_its_three_parameter_names(name: str) -> None:
    assert parse(f"AccountSid={twilio.ACCOUNT_SID}&{name}={MMS_SID}").subject_sid == MMS_SID


@pytest.mark.parametrize(
    "sid",
    [
        "",
        MMS_SID + "0",
        MMS_SID[:-1],
        MMS_SID + "%0A",
        MMS_SID + "%00",
        "+" + MMS_SID,
        MMS_SID.lower(),
        "IM" + "1" * 32,
        "MM" + "g" * 32,
        "MM" + quote("\uff11" * 32),
        MMS_SID + "MediaUrl0" + quote(MEDIA_URLS[0], safe=""),
    ],
)
def test_a_message_without_a_valid_sid_is_unreadable(sid: str) -> None:
    assert reason(f"AccountSid={twilio.ACCOUNT_SID}&MessageSid={sid}") == "message_sid"


def test_a_message_sid_with_upper_case_hexadecimal_digits_is_valid() -> None:
    sid = "MM" + "A" * 32
    assert parse(f"AccountSid={twilio.ACCOUNT_SID}&MessageSid={sid}").subject_sid == sid


def test_a_malformed_sid_is_not_replaced_by_an_older_name() -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&MessageSid=MM1&SmsSid={MMS_SID}"
    assert reason(body) == "message_sid"


def test_a_message_without_a_sid_is_unreadable() -> None:
    assert reason(f"AccountSid={twilio.ACCOUNT_SID}") == "message_sid"


@pytest.mark.parametrize("account", ["", "AccountSid=", "AccountSid=AC1"])
def test_a_message_without_a_valid_account_sid_is_unreadable(account: str) -> None:
    assert reason(f"{account}&MessageSid={MMS_SID}") == "account_sid"


@pytest.mark.parametrize(
    "twice", [f"MessageSid=MM{'f' * 32}", "MessageSid=x", f"AccountSid=AC{'f' * 32}"]
)
def test_a_sid_with_two_values_is_ambiguous(twice: str) -> None:
    assert reason(f"{twilio.MMS_ONE_PICTURE}&{twice}") == "ambiguous"


def test_a_sid_repeated_with_the_same_value_is_accepted() -> None:
    assert parse(f"{twilio.MMS_ONE_PICTURE}&MessageSid={MMS_SID}").subject_sid == MMS_SID


@pytest.mark.parametrize("body", twilio.RECORDINGS.values())
def test_a_recording_at_the_messaging_url_is_refused_with_the_right_url(body: str) -> None:
    with pytest.raises(WebhookUnreadable, match=r"wrong_url: .*/webhooks/twilio/recording/"):
        parse(body, "messaging")


@pytest.mark.parametrize("body", twilio.MESSAGES.values())
def test_a_message_at_the_recording_url_is_refused_with_the_right_url(body: str) -> None:
    with pytest.raises(WebhookUnreadable, match=r"wrong_url: .*/webhooks/twilio/messaging/"):
        parse(body, "recording")


@pytest.mark.parametrize("body", twilio.CONVERSATIONS.values())
def test_a_conversation_webhook_is_unreadable_at_the_other_urls(body: str) -> None:
    assert reason(body, "messaging") == "message_sid"
    assert reason(body, "recording") == "message_sid"
    assert reason(body, "") == "source"


# Text that databases reject, and other unusual text.


def test_a_nul_in_a_parameter_or_sender_is_replaced_by_its_symbol() -> None:
    inbound = message("Body%00=a%00b", "From=%00")
    assert ("Body\u2400", "a\u2400b") in inbound.parameters
    assert inbound.sender == "\u2400"


def test_text_of_any_script_is_kept() -> None:
    body = "🎉 \u202egpj.exe \u200b e" + "\u0301" * 50
    assert ("Body", body) in message(f"Body={quote(body)}").parameters


def test_a_long_text_is_kept_whole() -> None:
    assert ("Body", "a" * 1_000_000) in message(f"Body={'a' * 1_000_000}").parameters


def test_a_nul_within_a_parameter_name_or_value_is_replaced_by_its_symbol() -> None:
    assert ("Bo\u2400dy", "a\u2400b") in message("Bo%00dy=a%00b").parameters


def test_a_message_with_only_empty_parameters_is_unreadable() -> None:
    names = [pair.partition("=")[0] for pair in twilio.MMS_THREE_PICTURES.split("&")]
    assert reason("&".join(f"{name}=" for name in names)) == "account_sid"


NAMES = st.sampled_from(["MediaUrl0", "MediaUrl7", "NumMedia", "MediaContentType0", "From"])
RECORDING_NAMES = st.sampled_from(["RecordingUrl", "RecordingStatus", "ErrorCode", "To"])
PAIRS = st.lists(st.tuples(NAMES | RECORDING_NAMES | st.text(min_size=1), st.text()))


@given(PAIRS, st.sampled_from(["messaging", "recording"]))
def test_no_signed_parameters_crash_the_parser_or_leave_a_nul(
    pairs: list[tuple[str, str]], to: str
) -> None:
    subject = ("MessageSid", MMS_SID) if to == "messaging" else ("RecordingSid", RECORDING_SID)
    known = (("AccountSid", twilio.ACCOUNT_SID), subject)
    try:
        inbound = providers.get("twilio").parse(to, (*known, *pairs))
    except WebhookUnreadable:
        return
    assert inbound is not None
    assert "\0" not in repr(inbound.parameters)
    assert len({item.identity for item in inbound.media}) == len(inbound.media)
