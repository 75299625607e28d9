from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from mediapipe.models import MediaItem, Rejection, Status, WebhookEvent
from mediapipe.queueing import limits
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import Signature, sign
from tests.support import make
from tests.support.webhooks import FORM, MESSAGING, ORIGIN, mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("published")]


def test_a_picture_message_is_recorded_published_and_answered(published: list[int]) -> None:
    answer = send(mms(3))
    assert (answer.status_code, answer.content) == (200, b"<Response/>")
    assert answer["Content-Type"] == "text/xml"
    assert published == list(MediaItem.objects.queued().values_list("pk", flat=True))
    assert len(published) == 3


def test_a_message_sent_by_get_and_by_post_is_recorded_as_one_event() -> None:
    webhook = mms(2)
    assert send(webhook, method="GET").status_code == send(webhook).status_code == 200
    assert WebhookEvent.objects.get().repeats == 1
    assert MediaItem.objects.count() == 2


def test_an_sms_is_recorded_with_nothing_to_fetch(published: list[int]) -> None:
    assert send(payloads.sms(account_sid=make.ACCOUNT)).status_code == 200
    assert WebhookEvent.objects.count() == 1
    assert published == []


@pytest.mark.parametrize(
    "webhook",
    [
        payloads.recording_status(account_sid=make.ACCOUNT),
        payloads.record_action(account_sid=make.ACCOUNT),
        payloads.transcription(account_sid=make.ACCOUNT),
        payloads.conference_recording(account_sid=make.ACCOUNT),
    ],
    ids=["status", "action", "transcription", "conference"],
)
def test_every_kind_of_recording_webhook_is_recorded(webhook: Webhook) -> None:
    assert send(webhook).status_code == 200
    assert MediaItem.objects.get().identity == webhook["RecordingSid"]


def test_three_webhooks_for_one_recording_produce_one_event_and_one_item() -> None:
    status = payloads.recording_status(account_sid=make.ACCOUNT)
    (script,) = status.media
    for webhook in (payloads.transcription(of=script), payloads.record_action(of=script), status):
        assert send(webhook).status_code == 200
    assert MediaItem.objects.count() == WebhookEvent.objects.count() == 1


def test_an_absent_recording_is_recorded_and_not_published(published: list[int]) -> None:
    send(payloads.absent_recording("16102", account_sid=make.ACCOUNT))
    item = MediaItem.objects.get()
    assert (item.status, item.error, published) == (Status.ABSENT, "recording_silent", [])


def test_a_webhook_to_the_fallback_url_is_recorded_as_a_repeat() -> None:
    webhook = mms()
    send(webhook)
    send(webhook.fallback("11200", f"{ORIGIN}{MESSAGING}"))
    event = WebhookEvent.objects.get()
    assert (event.repeats, event.repeated.count(), event.media.count()) == (1, 1, 1)


def test_unknown_parameters_and_empty_values_are_kept() -> None:
    send(mms().changed(BrandNew="x", Empty="", FromCity=""))
    parameters = dict(WebhookEvent.objects.get().parameters)
    assert (parameters["BrandNew"], parameters["Empty"], parameters["FromCity"]) == ("x", "", "")


def test_media_urls_are_queued_even_if_nummedia_is_0() -> None:
    send(mms(2).changed(NumMedia="0"))
    assert MediaItem.objects.queued().count() == 2


def test_missing_media_urls_are_recorded_as_a_failed_item_beside_the_queued_one() -> None:
    assert send(mms(1).changed(NumMedia="99999")).status_code == 200
    reasons = MediaItem.objects.order_by("status").values_list("status", "error")
    assert list(reasons) == [("failed", "url_missing"), ("queued", "")]


def test_a_repeated_webhook_publishes_items_that_are_still_queued_again(
    published: list[int],
) -> None:
    webhook = mms()
    send(webhook)
    send(webhook)
    assert published == [MediaItem.objects.get().pk] * 2


@pytest.mark.parametrize("signature", ["wrong", "none"])
def test_a_forged_webhook_is_refused_and_counted_and_not_recorded(signature: Signature) -> None:
    answer = send(mms(), signature=signature)
    assert (answer.status_code, answer.json()["error"]) == (403, "not_verified")
    assert not WebhookEvent.objects.exists()
    assert Rejection.total() == 1


def test_refusals_for_the_same_reason_share_one_row() -> None:
    for _ in range(3):
        send(mms(), signature="wrong")
    row = Rejection.objects.get()
    assert (row.reason, row.count) == ("signature_wrong", 3)


def test_the_response_to_a_webhook_at_the_wrong_url_names_the_right_one() -> None:
    answer = send(payloads.recording_status(account_sid=make.ACCOUNT), path=MESSAGING)
    assert answer.status_code == 400
    assert "/webhooks/twilio/recording/" in answer.json()["detail"]


def test_a_body_over_the_size_limit_is_refused_with_413(client: Client, settings: Settings) -> None:
    body = "a=" + "x" * settings.WEBHOOK_MAX_BYTES
    answer = client.post(MESSAGING, body, content_type=FORM)
    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"a=%ff", FORM, 400, "invalid_utf8"),
        (b"\xff\xfe", FORM, 400, "invalid_utf8"),
        (b"&".join(b"a%d=1" % i for i in range(10_000)), FORM, 400, "too_many_parameters"),
        (b"{", "application/json", 403, "not_verified"),
        (b"--x", "multipart/form-data; boundary=x", 400, "content_type"),
        (b"hello", "text/plain", 400, "content_type"),
        (b"", FORM, 403, "not_verified"),
    ],
)
def test_an_invalid_body_is_refused_with_a_reason(
    client: Client, body: bytes, content_type: str, status: int, reason: str
) -> None:
    answer = client.post(MESSAGING, body, content_type=content_type)
    assert (answer.status_code, answer.json()["error"]) == (status, reason)


@pytest.mark.parametrize("method", ["put", "delete", "head", "options", "patch"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    assert getattr(client, method)(MESSAGING).status_code == 405


def test_a_url_without_its_trailing_slash_is_not_redirected(client: Client) -> None:
    assert client.post(MESSAGING.rstrip("/")).status_code == 404


def test_a_request_for_an_unknown_host_is_refused(client: Client) -> None:
    assert client.post(MESSAGING, headers={"Host": "evil.example"}).status_code == 400


def test_the_signature_must_be_made_for_the_public_url(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://media.example.com"
    webhook = mms()
    request = sign(webhook, f"https://media.example.com{MESSAGING}", make.TOKEN)
    headers = {"X-Twilio-Signature": request.headers["X-Twilio-Signature"]}
    answer = Client().post(MESSAGING, request.body, content_type=FORM, headers=headers)
    assert answer.status_code == 200
    assert send(mms()).status_code == 403


@pytest.mark.database
@pytest.mark.parametrize("count", [1, 10])
def test_a_webhook_takes_one_round_trip_on_postgresql(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    # Do not count the query for the account's share of the queue, which is made once a second.
    monkeypatch.setattr(limits, "QUOTA_CHECK_INTERVAL_S", 60.0)
    send(mms(1))
    # SQLite, which is not across a network, has a transaction and one statement per media item.
    with django_assert_num_queries({"postgresql": 1, "sqlite": 3 + count}[connection.vendor]):
        send(mms(count))


def test_a_query_with_more_parameters_than_django_allows_is_accepted() -> None:
    request = sign(mms(), f"{ORIGIN}{MESSAGING}?{'a&' * 1001}", make.TOKEN)
    headers = {"X-Twilio-Signature": request.headers["X-Twilio-Signature"]}
    target = request.url.removeprefix(ORIGIN)
    # Django parses the query before it calls a view only if the request names a charset.
    form = f"{FORM}; charset=UTF-8"
    answer = Client().post(target, request.body, content_type=form, headers=headers)
    assert answer.status_code == 200
