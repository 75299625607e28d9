from hashlib import sha256
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediapipe import providers
from mediapipe.failures import (
    AddressRefused,
    Failure,
    RecordingAbsent,
    RecordingFailed,
    RecordingSilent,
    RecordingTooShort,
    UrlMissing,
)
from mediapipe.providers.base import AnnouncedMedia, InboundMessage, Kind, WebhookUnreadable
from tests.support.payloads import twilio
from tests.support.payloads.twilio import (
    MEDIA_SIDS,
    MEDIA_URLS,
    MMS_SID,
    RECORDING_SID,
    RECORDING_URL,
)

RECORDING_URL_FIELD = f"&RecordingUrl={quote(RECORDING_URL, safe='')}"


def parse(body: str, source: str = "messaging") -> InboundMessage:
    parameters = tuple(parse_qsl(body, keep_blank_values=True))
    found = providers.get("twilio").parse(source, parameters)
    assert found is not None
    return found


def reason(body: str, source: str = "messaging") -> str:
    with pytest.raises(WebhookUnreadable) as caught:
        parse(body, source)
    return caught.value.reason


def message(*more: str) -> InboundMessage:
    fields = [f"AccountSid={twilio.ACCOUNT_SID}", f"MessageSid={MMS_SID}", *more]
    return parse("&".join(fields))


def url_field(number: object, url: str = MEDIA_URLS[0]) -> str:
    return f"MediaUrl{number}={quote(url, safe='')}"


def only(inbound: InboundMessage) -> AnnouncedMedia:
    (item,) = inbound.media
    return item


def why(item: AnnouncedMedia) -> tuple[type[Failure], str]:
    assert item.failure is not None
    return type(item.failure), item.failure.detail


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


def test_a_finished_recording_announces_itself() -> None:
    inbound = parse(twilio.RECORDING_COMPLETED, "recording")
    assert (inbound.kind, inbound.source) == (Kind.RECORDING, "recording")
    assert (inbound.subject_sid, inbound.call_sid) == (RECORDING_SID, twilio.CALL_SID)
    assert (inbound.conference_sid, inbound.sender, inbound.recipient) == ("", "", "")
    assert only(inbound) == AnnouncedMedia(RECORDING_SID, RECORDING_URL, RECORDING_SID)


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
def test_every_captured_message_is_understood(body: str, content_types: list[str]) -> None:
    media = parse(body).media
    assert [item.declared_content_type for item in media] == content_types
    assert all(item.failure is None for item in media)


@pytest.mark.parametrize("status", ["sent", "delivered", "undelivered"])
def test_a_status_callback_has_no_media(status: str) -> None:
    assert message(f"MessageStatus={status}", "ErrorCode=30008").media == ()


# Which message it is.


@pytest.mark.parametrize("name", ["MessageSid", "SmsMessageSid", "SmsSid"])
def test_each_of_the_three_names_has_the_message_sid(name: str) -> None:
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


def test_upper_case_digits_are_a_valid_sid() -> None:
    sid = "MM" + "A" * 32
    assert parse(f"AccountSid={twilio.ACCOUNT_SID}&MessageSid={sid}").subject_sid == sid


def test_a_malformed_sid_is_not_replaced_by_an_older_name() -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&MessageSid=MM1&SmsSid={MMS_SID}"
    assert reason(body) == "message_sid"


def test_a_missing_sid_is_unreadable() -> None:
    assert reason(f"AccountSid={twilio.ACCOUNT_SID}") == "message_sid"


@pytest.mark.parametrize("account", ["", "AccountSid=", "AccountSid=AC1"])
def test_a_message_without_a_valid_account_is_unreadable(account: str) -> None:
    assert reason(f"{account}&MessageSid={MMS_SID}") == "account_sid"


@pytest.mark.parametrize(
    "twice", [f"MessageSid=MM{'f' * 32}", "MessageSid=x", f"AccountSid=AC{'f' * 32}"]
)
def test_a_sid_with_two_values_is_ambiguous(twice: str) -> None:
    assert reason(f"{twilio.MMS_ONE_PICTURE}&{twice}") == "ambiguous"


def test_a_sid_with_the_same_value_twice_is_one() -> None:
    assert parse(f"{twilio.MMS_ONE_PICTURE}&MessageSid={MMS_SID}").subject_sid == MMS_SID


@pytest.mark.parametrize("body", twilio.RECORDINGS.values())
def test_a_recording_at_the_messaging_url_is_told_where_to_go(body: str) -> None:
    with pytest.raises(WebhookUnreadable, match=r"wrong_url: .*/webhooks/twilio/recording/"):
        parse(body, "messaging")


@pytest.mark.parametrize("body", twilio.MESSAGES.values())
def test_a_message_at_the_recording_url_is_told_where_to_go(body: str) -> None:
    with pytest.raises(WebhookUnreadable, match=r"wrong_url: .*/webhooks/twilio/messaging/"):
        parse(body, "recording")


@pytest.mark.parametrize("body", twilio.CONVERSATIONS.values())
def test_a_conversation_is_not_taken_at_the_other_urls(body: str) -> None:
    assert reason(body, "messaging") == "message_sid"
    assert reason(body, "recording") == "message_sid"
    assert reason(body, "") == "source"


# Which media it has.


@pytest.mark.parametrize("count", ["NumMedia=0", "", "NumMedia=abc", "NumMedia=-1", "NumMedia=1"])
def test_a_url_counts_whatever_num_media_says(count: str) -> None:
    assert only(message(count, url_field(0))).failure is None


@pytest.mark.parametrize("count", ["abc", "-1", "", "1.0", "1e3", "%D9%A2", "9" * 5000])
def test_a_count_that_is_no_number_is_ignored(count: str) -> None:
    assert message(f"NumMedia={count}").media == ()


@pytest.mark.parametrize(
    ("count", "detail"),
    [("2", "NumMedia says 2, 1 URL came"), ("99999", "NumMedia says 99999, 1 URL came")],
)
def test_media_without_a_url_is_a_failure_of_its_own(count: str, detail: str) -> None:
    there, missing = message(f"NumMedia={count}", url_field(0)).media
    assert there.failure is None
    assert (missing.identity, missing.url) == ("unnamed", "")
    assert why(missing) == (UrlMissing, detail)


def test_no_url_at_all_is_a_failure_too() -> None:
    item = only(message("NumMedia=1", "MediaUrl0="))
    assert why(item) == (UrlMissing, "NumMedia says 1, 0 URLs came")


def test_a_gap_in_the_numbers_loses_nothing() -> None:
    inbound = message("NumMedia=2", url_field(2, MEDIA_URLS[1]), url_field(0))
    assert [item.url for item in inbound.media] == MEDIA_URLS[:2]


def test_media_are_taken_in_the_order_of_their_numbers() -> None:
    fields = [url_field(number, MEDIA_URLS[i]) for i, number in enumerate((2, 10, 1))]
    assert [item.url for item in message(*fields).media] == [
        MEDIA_URLS[2],
        MEDIA_URLS[0],
        MEDIA_URLS[1],
    ]


def test_the_same_media_twice_is_one() -> None:
    http = MEDIA_URLS[0].replace("https", "http")
    inbound = message("NumMedia=3", url_field(0), url_field(1), url_field(2, http))
    assert only(inbound).url == MEDIA_URLS[0]


def test_of_the_same_media_twice_the_first_counts() -> None:
    types = ["MediaContentType0=image/png", "MediaContentType1=image/gif"]
    item = only(message(url_field(0), url_field(1), *types))
    assert item.declared_content_type == "image/png"


def test_two_values_of_one_url_are_two_media() -> None:
    inbound = message(url_field(0), url_field(0, MEDIA_URLS[1]))
    assert [item.url for item in inbound.media] == MEDIA_URLS[:2]


def test_of_too_many_media_the_first_are_taken_and_the_rest_is_told() -> None:
    stem = MEDIA_URLS[0][:-4]
    inbound = message("NumMedia=60", *(url_field(n, f"{stem}{n:04}") for n in range(60)))
    *taken, rest = inbound.media
    assert [item.url for item in taken] == [f"{stem}{n:04}" for n in range(50)]
    assert why(rest) == (UrlMissing, "60 URLs came, of which 50 are taken")


@pytest.mark.parametrize(
    "name", ["MediaUrl", "MediaUrlX", "MediaUrl-1", "MediaUrl0x", "xMediaUrl0"]
)
def test_a_name_without_a_number_is_no_media(name: str) -> None:
    assert message(f"{name}={quote(MEDIA_URLS[0])}").media == ()


def test_digits_of_other_scripts_are_no_number() -> None:
    assert message(url_field(quote("\u0662"))).media == ()


def test_a_refused_url_is_kept_with_the_reason_and_the_others_go_on() -> None:
    evil = "https://evil.example/" + "a" * 4096
    refused, good = message(url_field(0, evil), url_field(1)).media
    assert good.failure is None
    assert refused.identity == "refused-" + sha256(evil.encode()).hexdigest()[:32]
    assert (refused.url, refused.media_sid) == (evil[:2000], "")
    reason = "It is not the address of a message's media or of a recording."
    assert why(refused) == (AddressRefused, reason)


def test_the_media_of_another_account_is_refused() -> None:
    url = MEDIA_URLS[0].replace(twilio.ACCOUNT_SID, "AC" + "f" * 32)
    assert why(only(message(url_field(0, url)))) == (
        AddressRefused,
        "It belongs to another account.",
    )


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("MediaContentType0=text/html", "text/html"),
        ("MediaContentType0=", ""),
        ("MediaContentType1=image/png", ""),
        ("MediaContentType0=" + "a" * 2048, "a" * 255),
        ("MediaContentType0=image/png%0D%0AX-Evil:+1%07", "image/pngX-Evil: 1"),
    ],
)
def test_the_declared_type_is_kept_as_one_short_line(declared: str, kept: str) -> None:
    assert only(message(url_field(0), declared)).declared_content_type == kept


def test_the_picture_of_an_advert_is_media_too() -> None:
    url = quote(MEDIA_URLS[1], safe="")
    more = ["ReferralNumMedia=1", f"ReferralMediaUrl={url}", "ReferralMediaContentType=image/png"]
    _, advert = message("NumMedia=1", url_field(0), *more).media
    assert advert == AnnouncedMedia(MEDIA_SIDS[1], MEDIA_URLS[1], MEDIA_SIDS[1], "image/png")


@pytest.mark.parametrize("url", ["", "https://scontent.example/a.jpg", RECORDING_URL])
def test_the_picture_of_an_advert_elsewhere_is_left_there(url: str) -> None:
    assert message(f"ReferralMediaUrl={quote(url)}").media == ()


# Recordings.


@pytest.mark.parametrize("name", [name for name in twilio.RECORDINGS if name != "absent"])
def test_every_callback_announces_the_same_recording(name: str) -> None:
    inbound = parse(twilio.RECORDINGS[name], "recording")
    assert inbound.subject_sid == RECORDING_SID
    assert only(inbound) == AnnouncedMedia(RECORDING_SID, RECORDING_URL, RECORDING_SID)


def test_a_conference_recording_has_no_call() -> None:
    inbound = parse(twilio.CONFERENCE_RECORDING, "recording")
    assert (inbound.call_sid, inbound.conference_sid) == ("", twilio.CONFERENCE_SID)


def test_a_dial_action_names_its_recording_by_the_url_alone() -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&DialCallStatus=completed{RECORDING_URL_FIELD}"
    inbound = parse(body, "recording")
    assert inbound.subject_sid == only(inbound).identity == RECORDING_SID


def test_a_record_action_tells_who_spoke() -> None:
    inbound = parse(twilio.RECORD_VERB_ACTION, "recording")
    assert (inbound.sender, inbound.recipient) == ("+15550000002", "+15550000001")


def recording(status: str, *more: str) -> InboundMessage:
    fields = [f"AccountSid={twilio.ACCOUNT_SID}", f"RecordingSid={RECORDING_SID}", *more]
    return parse("&".join([*fields, f"RecordingStatus={status}"]), "recording")


@pytest.mark.parametrize("status", ["in-progress", "paused", "stopped", "processing"])
def test_an_unfinished_recording_has_no_media_yet(status: str) -> None:
    assert recording(status + RECORDING_URL_FIELD).media == ()


@pytest.mark.parametrize("status", ["completed", "", "new-status"])
def test_any_other_status_with_a_url_has_media(status: str) -> None:
    assert only(recording(status + RECORDING_URL_FIELD)).failure is None


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
def test_a_recording_that_never_came_to_be_says_why(
    fields: str, failure: type[Failure], detail: str
) -> None:
    item = only(recording(fields))
    assert (item.identity, item.url) == (RECORDING_SID, "")
    assert why(item) == (failure, detail)


def test_an_absent_recording_keeps_a_valid_url_alone() -> None:
    assert only(recording("absent" + RECORDING_URL_FIELD)).url == RECORDING_URL
    assert only(recording("absent&RecordingUrl=https://evil.example/")).url == ""


def test_the_captured_absence_is_understood() -> None:
    inbound = parse(twilio.RECORDING_ABSENT, "recording")
    assert inbound.call_sid == twilio.CALL_SID
    assert why(only(inbound)) == (RecordingAbsent, "")


def test_a_completed_recording_without_a_url_is_a_failure() -> None:
    item = only(recording("completed"))
    assert item.identity == "unnamed"
    assert why(item)[0] is UrlMissing


def test_a_recording_elsewhere_is_refused_without_taking_the_recordings_place() -> None:
    item = only(recording("completed&RecordingUrl=https://bucket.example/a.wav"))
    assert item.identity.startswith("refused-")
    assert why(item)[0] is AddressRefused


@pytest.mark.parametrize("sid", ["RE1", RECORDING_SID + "%0A", "MM" + "1" * 32])
def test_a_recording_without_a_valid_sid_is_unreadable(sid: str) -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&RecordingSid={sid}{RECORDING_URL_FIELD}"
    assert reason(body, "recording") == "recording_sid"


def test_a_callback_that_names_no_recording_at_all_is_unreadable() -> None:
    assert reason(f"AccountSid={twilio.ACCOUNT_SID}", "recording") == "recording_sid"


@pytest.mark.parametrize(
    ("field", "slug"),
    [
        ("CallSid=CA1", "call_sid"),
        (f"CallSid=CF{'1' * 32}", "call_sid"),
        ("ConferenceSid=CF1", "conference_sid"),
    ],
)
def test_a_malformed_call_or_conference_is_unreadable(field: str, slug: str) -> None:
    body = f"AccountSid={twilio.ACCOUNT_SID}&RecordingSid={RECORDING_SID}&{field}"
    assert reason(body, "recording") == slug


def test_an_empty_call_is_none() -> None:
    assert recording("completed", "CallSid=").call_sid == ""


# Text that databases do not take, and text that nobody thought of.


def test_a_nul_is_kept_as_its_symbol() -> None:
    inbound = message("Body%00=a%00b", "From=%00")
    assert ("Body\u2400", "a\u2400b") in inbound.parameters
    assert inbound.sender == "\u2400"


def test_text_of_any_script_is_kept() -> None:
    body = "🎉 \u202egpj.exe \u200b e" + "\u0301" * 50
    assert ("Body", body) in message(f"Body={quote(body)}").parameters


def test_a_long_text_is_kept_whole() -> None:
    assert ("Body", "a" * 1_000_000) in message(f"Body={'a' * 1_000_000}").parameters


def test_a_nul_is_kept_as_the_symbol_for_it() -> None:
    assert ("Bo\u2400dy", "a\u2400b") in message("Bo%00dy=a%00b").parameters


def test_all_parameters_empty_is_unreadable() -> None:
    names = [pair.partition("=")[0] for pair in twilio.MMS_THREE_PICTURES.split("&")]
    assert reason("&".join(f"{name}=" for name in names)) == "account_sid"


NAMES = st.sampled_from(["MediaUrl0", "MediaUrl7", "NumMedia", "MediaContentType0", "From"])
RECORDING_NAMES = st.sampled_from(["RecordingUrl", "RecordingStatus", "ErrorCode", "To"])
PAIRS = st.lists(st.tuples(NAMES | RECORDING_NAMES | st.text(min_size=1), st.text()))


@given(PAIRS, st.sampled_from(["messaging", "recording"]))
def test_no_signed_parameters_crash_or_leave_a_nul(pairs: list[tuple[str, str]], to: str) -> None:
    subject = ("MessageSid", MMS_SID) if to == "messaging" else ("RecordingSid", RECORDING_SID)
    known = (("AccountSid", twilio.ACCOUNT_SID), subject)
    try:
        inbound = providers.get("twilio").parse(to, (*known, *pairs))
    except WebhookUnreadable:
        return
    assert inbound is not None
    assert "\0" not in repr(inbound.parameters)
    assert len({item.identity for item in inbound.media}) == len(inbound.media)
