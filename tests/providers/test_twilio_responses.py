import pytest
import time_machine

from mediapipe import providers
from mediapipe.failures import (
    BadRequest,
    CdnRefused,
    Failure,
    FinalFailure,
    Gone,
    RateLimited,
    TransientFailure,
    TransientMedia404,
    TwilioError,
    Unauthorized,
    UnexpectedResponse,
)
from mediapipe.providers.base import Response

TWILIO = providers.get("twilio")

NOT_FOUND_XML = (
    b"<?xml version='1.0' encoding='UTF-8'?><TwilioResponse><RestException><Code>20404</Code>"
    b"<Message>The requested resource /2010-04-01/Accounts/AC was not found</Message>"
    b"<MoreInfo>https://www.twilio.com/docs/errors/20404</MoreInfo><Status>404</Status>"
    b"</RestException></TwilioResponse>"
)
NOT_FOUND_JSON = b'{"code":20404,"message":"not found","more_info":"","status":404}'


def answer(
    status: int, body: bytes = b"", *, redirected: bool = False, retry_after: str | None = None
) -> Response:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return Response(status, headers, body, redirected)


def failure(status: int, *, redirected: bool = False, retry_after: str | None = None) -> Failure:
    found = TWILIO.classify(answer(status, redirected=redirected, retry_after=retry_after))
    assert found is not None
    return found


def test_a_200_response_is_not_a_failure() -> None:
    assert TWILIO.classify(answer(200)) is None
    assert TWILIO.classify(answer(200, redirected=True)) is None


def test_a_404_is_transient_at_every_hop() -> None:
    for redirected in (False, True):
        found = failure(404, redirected=redirected)
        assert type(found) is TransientMedia404
        assert isinstance(found, TransientFailure)


@pytest.mark.parametrize(
    ("status", "at_the_api", "at_the_cdn"),
    [
        (400, BadRequest, CdnRefused),
        (401, Unauthorized, CdnRefused),
        (403, Unauthorized, CdnRefused),
        (408, TwilioError, TwilioError),
        (410, Gone, Gone),
        (425, TwilioError, TwilioError),
        (429, RateLimited, RateLimited),
        (500, TwilioError, TwilioError),
        (502, TwilioError, TwilioError),
        (503, TwilioError, TwilioError),
        (504, TwilioError, TwilioError),
        (520, TwilioError, TwilioError),
        (599, TwilioError, TwilioError),
        (201, UnexpectedResponse, UnexpectedResponse),
        (204, UnexpectedResponse, UnexpectedResponse),
        (206, UnexpectedResponse, UnexpectedResponse),
        (304, UnexpectedResponse, UnexpectedResponse),
        (405, UnexpectedResponse, UnexpectedResponse),
        (418, UnexpectedResponse, UnexpectedResponse),
        (600, UnexpectedResponse, UnexpectedResponse),
        (999, UnexpectedResponse, UnexpectedResponse),
    ],
)
def test_every_status_means_one_failure(
    status: int, at_the_api: type[Failure], at_the_cdn: type[Failure]
) -> None:
    assert type(failure(status)) is at_the_api
    assert type(failure(status, redirected=True)) is at_the_cdn
    assert failure(status).detail == f"HTTP {status}"


def test_only_an_api_response_that_cannot_become_a_success_is_final() -> None:
    final = {status for status in range(201, 600) if isinstance(failure(status), FinalFailure)}
    assert final == {400, 401, 403, 410}


def test_only_a_410_from_the_cdn_is_final() -> None:
    final = {s for s in range(201, 600) if isinstance(failure(s, redirected=True), FinalFailure)}
    assert final == {410}


# Retry-After.


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_the_retry_after_of_a_rate_limit_or_twilio_error_is_kept(status: int) -> None:
    assert failure(status, retry_after="5").retry_after_s == 5.0


@pytest.mark.parametrize("status", [400, 401, 404, 410, 418])
def test_the_retry_after_of_any_other_response_is_ignored(status: int) -> None:
    assert failure(status, retry_after="5").retry_after_s is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("999999999999", 999999999999.0),
        ("9" * 5000, None),
        ("-1", None),
        ("1.5", None),
        ("\u0665", None),
        ("", None),
        ("soon", None),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 99999999999999999999 11:00:00 GMT", None),
        ("Tue, 99 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_retry_after_is_parsed_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False):
        assert failure(429, retry_after=value).retry_after_s == seconds


def test_a_failure_without_a_retry_after_header_has_no_wait() -> None:
    assert failure(429).retry_after_s is None


# Error codes.


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (NOT_FOUND_XML, 20404),
        (NOT_FOUND_XML[:120], 20404),
        (NOT_FOUND_JSON, 20404),
        (NOT_FOUND_JSON[:14], 20404),
        (b'{"status": 401, "code" : 20003 }', 20003),
        (
            b"<TwilioResponse><RestException><Status>400</Status><Code>21201</Code>",
            21201,
        ),
        (b"", None),
        (b"\xff\xd8\xff\xe0", None),
        (b"<html>20404</html>", None),
        (b"<Error><Code>20404</Code></Error>", None),
        (b"<Error><Code>NoSuchKey</Code></Error>", None),
        (NOT_FOUND_XML[:83], None),
        (NOT_FOUND_JSON[:11], None),
        (b'{"code": "x"}', None),
        (b'{"code": 9999999999}', None),
        (b"<RestException><Code>" + b"9" * 5000 + b"</Code>", None),
        (b'["code":20404,]', None),
        (b"<!DOCTYPE a [<!ENTITY b '1'>]><RestException><Code>&b;</Code>", None),
    ],
)
def test_the_error_code_is_read_from_an_error_document(body: bytes, code: int | None) -> None:
    assert TWILIO.error_code(answer(404, body)) == code


def test_a_failure_names_the_error_code() -> None:
    found = TWILIO.classify(answer(404, NOT_FOUND_XML))
    assert found is not None
    assert found.detail == "HTTP 404, Twilio error 20404"
