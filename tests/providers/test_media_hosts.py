"""The hosts to which a request for media may be redirected."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from mediapipe import providers
from mediapipe.providers.twilio.media import is_own_host, may_redirect_to
from tests.support.payloads.twilio import ACCOUNT_SID, MEDIA_URLS, MMS_SID


@pytest.mark.parametrize(
    "url",
    [
        f"https://mms.twiliocdn.com/{ACCOUNT_SID}/0123abcd?Expires=1&Signature=a~b_&Key-Pair-Id=K",
        "https://media.twiliocdn.com/a",
        "https://media.us1.twiliocdn.com:443/a",
        "https://MMS.twiliocdn.com/a",
        "https://s3-external-1.amazonaws.com/media.twiliocdn.com/a?X-Amz-Signature=1",
        "https://s3.amazonaws.com/bucket/a",
        "https://com.twilio.prod.s3.amazonaws.com/a",
        "https://bucket.s3.eu-west-1.amazonaws.com/a",
        "https://s3.us-gov-west-1.amazonaws.com/bucket/a",
        "https://api.twilio.com/a",
        "https://api.dublin.ie1.twilio.com/a",
        "https://mms.twiliocdn.com",
    ],
)
def test_a_redirect_to_twilios_cdn_or_s3_is_allowed(url: str) -> None:
    twilio = providers.get("twilio")
    request = twilio.media_request(url=MEDIA_URLS[0], account_sid=ACCOUNT_SID, subject_sid=MMS_SID)
    assert request.may_redirect_to(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a",
        "http://mms.twiliocdn.com/a",
        "http://mms.twiliocdn.com:443/a",
        "ftp://mms.twiliocdn.com/a",
        "file:///etc/passwd",
        "HTTPS://mms.twiliocdn.com/a",
        "https://mms.twiliocdn.com:8443/a",
        "https://mms.twiliocdn.com:80/a",
        "https://mms.twiliocdn.com:99999/a",
        "https://mms.twiliocdn.com:443443/a",
        "https://mms.twiliocdn.com:/a",
        "https://mms.twiliocdn.com./a",
        "https://twiliocdn.com/a",
        "https://eviltwiliocdn.com/a",
        "https://mms.twiliocdn.com.evil.example/a",
        "https://user:pw@mms.twiliocdn.com/a",
        "https://mms.twiliocdn.com@evil.example/a",
        "https://evil.example\\@mms.twiliocdn.com/a",
        "https://evil.example/\\@mms.twiliocdn.com",
        "https://mms.twiliocdn.com\\@evil.example/a",
        "https://mms.twiliocdn.com#@evil.example/a",
        "https://mms.twiliocdn.com?@evil.example/a",
        "https://mms.twiliocdn.com/a b",
        "https://mms.twiliocdn.com/a\n",
        "https://mms.twiliocdn.com/a\r\nHost: evil.example",
        "https://mms.twi\tliocdn.com/a",
        " https://mms.twiliocdn.com/a",
        "https://mms.twiliocdn.com/\u00e9",
        "https://mm\u017f.twiliocdn.com/a",
        "https://mms\u3002twiliocdn.com/a",
        "https://.twiliocdn.com/a",
        "https://amazonaws.com/a",
        "https://ec2-1-2-3-4.compute.amazonaws.com/a",
        "https://evils3.amazonaws.com/a",
        "https://s3.evil.amazonaws.com/a",
        "https://s3.eu-west-1.amazonaws.com.evil.example/a",
        "https://[::1]/a",
        "http://[::1",
        "https://127.0.0.1/a",
        "https://169.254.169.254/latest/meta-data/",
        "https://evil.example/https://mms.twiliocdn.com/a",
    ],
)
def test_a_redirect_to_any_other_url_is_refused(url: str) -> None:
    assert not may_redirect_to(url)


def test_a_host_configured_without_a_port_allows_any_port_over_http_and_https(
    settings: Settings,
) -> None:
    settings.MEDIA_REDIRECT_HOSTS = ["127.0.0.2"]
    assert may_redirect_to("http://127.0.0.2:9702/a")
    assert may_redirect_to("https://127.0.0.2/a")
    assert not may_redirect_to("http://127.0.0.2:99999/a")
    assert not may_redirect_to("http://127.0.0.2:0/a")
    assert not may_redirect_to("http://127.0.0.20/a")
    assert not may_redirect_to("ftp://127.0.0.2/a")


def test_a_host_configured_with_a_port_allows_only_that_port(settings: Settings) -> None:
    settings.MEDIA_REDIRECT_HOSTS = ["cdn.example:443"]
    assert may_redirect_to("https://cdn.example/a")
    assert may_redirect_to("https://cdn.example:443/a")
    assert not may_redirect_to("http://cdn.example/a")
    assert not may_redirect_to("https://cdn.example:8443/a")


def test_a_configured_api_origin_may_redirect_to_itself(settings: Settings) -> None:
    settings.TWILIO_API_HOSTS = ["http://127.0.0.1:9701"]
    assert may_redirect_to("http://127.0.0.1:9701/a")
    assert not may_redirect_to("http://127.0.0.1:970/a")
    settings.TWILIO_API_HOSTS = ["http://127.0.0.1:970"]
    assert not may_redirect_to("http://127.0.0.1:9701/a")
    assert not may_redirect_to("https://127.0.0.1:9701/a")


@pytest.mark.parametrize(
    "host",
    [
        *("api.twilio.com", "API.dublin.ie1.twilio.com", "mcs.us1.twilio.com", "mms.twiliocdn.com"),
        *(
            "messaging.twilio.com",
            "s3-external-1.amazonaws.com",
            "b.s3.us-east-1.amazonaws.com",
        ),
    ],
)
def test_hosts_of_twilio_and_its_storage_are_recognized_as_twilios(host: str) -> None:
    assert is_own_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("twilio.com.evil.example", "eviltwilio.com", "twiliocdn.com.evil.example", "127.0.0.1"),
        *("localhost", "media.example", "evil.amazonaws.com", "[64:ff9b::1]", "a..twilio.com", ""),
    ],
)
def test_no_other_host_is_recognized_as_twilios_even_if_it_is_configured(
    host: str, settings: Settings
) -> None:
    settings.TWILIO_API_HOSTS, settings.MEDIA_REDIRECT_HOSTS = [f"http://{host}"], [host]
    assert not is_own_host(host)
