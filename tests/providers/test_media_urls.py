import pytest
from pytest_django import Settings

from mediapipe import providers
from mediapipe.failures import AddressRefused, ConfigMissing
from mediapipe.providers.base import MediaRequest
from mediapipe.providers.twilio.media import canonical
from tests.support.make import TOKEN
from tests.support.payloads.twilio import (
    ACCOUNT_SID,
    API,
    MEDIA_SIDS,
    MEDIA_URLS,
    MESSAGE_PATH,
    MMS_SID,
    RECORDING_SID,
    RECORDING_URL,
)

GOOD = MEDIA_URLS[0]
PATH = f"{MESSAGE_PATH}/{MEDIA_SIDS[0]}"


def media_request(url: str = GOOD, account_sid: str = ACCOUNT_SID) -> MediaRequest:
    twilio = providers.get("twilio")
    return twilio.media_request(url=url, account_sid=account_sid, subject_sid=MMS_SID)


def refusal(url: str) -> str:
    with pytest.raises(AddressRefused) as caught:
        canonical(url, ACCOUNT_SID, MMS_SID)
    assert url not in str(caught.value) or not url
    with pytest.raises(AddressRefused):
        media_request(url)
    return caught.value.detail


def test_media_is_requested_with_the_accounts_token() -> None:
    request = media_request()
    assert request.url == GOOD
    assert [(one.username, one.password) for one in request.credentials] == [(ACCOUNT_SID, TOKEN)]
    assert TOKEN not in repr(request)


def test_the_media_of_a_message_is_named_by_its_sid() -> None:
    assert canonical(GOOD, ACCOUNT_SID, MMS_SID) == (GOOD, MEDIA_SIDS[0])


def test_a_recording_is_named_by_its_sid() -> None:
    found = canonical(RECORDING_URL, ACCOUNT_SID, RECORDING_SID)
    assert found == (RECORDING_URL, RECORDING_SID)


def test_an_http_url_at_twilio_is_changed_to_https() -> None:
    assert canonical(f"http://api.twilio.com{PATH}", ACCOUNT_SID, MMS_SID)[0] == GOOD


@pytest.mark.parametrize(
    "host", ["api.ie1.twilio.com", "api.dublin.ie1.twilio.com", "api.sao-paulo.us1.twilio.com"]
)
def test_a_regional_api_host_is_accepted(host: str) -> None:
    assert canonical(f"https://{host}{PATH}", ACCOUNT_SID, MMS_SID)[0] == f"https://{host}{PATH}"


def test_a_url_at_a_configured_origin_is_accepted_unchanged(settings: Settings) -> None:
    settings.TWILIO_API_HOSTS = ["http://127.0.0.1:9701"]
    url = f"http://127.0.0.1:9701{PATH}"
    assert canonical(url, ACCOUNT_SID, MMS_SID)[0] == url
    assert media_request(url).url == url


@pytest.mark.parametrize(
    "origin", ["https://127.0.0.1:9701", "http://127.0.0.1", "http://127.0.0.1:97010"]
)
def test_a_scheme_or_port_other_than_the_configured_one_is_refused(
    settings: Settings, origin: str
) -> None:
    settings.TWILIO_API_HOSTS = ["http://127.0.0.1:9701"]
    assert refusal(origin + PATH).startswith("Its host is not Twilio's")


# The catalogue of bad media URLs: none may be given credentials, or even be looked up.


@pytest.mark.parametrize(
    "origin",
    [
        "ftp://api.twilio.com",
        "file://api.twilio.com",
        "file://",
        "data:text/html,",
        "javascript:alert(1)//",
        "//api.twilio.com",
        "https://",
        "https:",
        "",
        "HTTPS://api.twilio.com",
        "https://API.twilio.com",
        "https://user:pw@api.twilio.com",
        "https://api.twilio.com@evil.example",
        "https://evil.example#@api.twilio.com",
        "https://evil.example?@api.twilio.com",
        "https://127.0.0.1:80\\@api.twilio.com",
        "https://api.twilio.com\\@evil.example",
        "https://api.twilio.com\\.evil.example",
        "https://api.twi\tlio.com",
        "https://api.twilio\n.com",
        "https://api.twilio.com\r\n",
        " https://api.twilio.com",
        "\x00https://api.twilio.com",
        "https://api.twilio.com\x00",
        "https://api.twilio.com.evil.example",
        "https://evil-api.twilio.com",
        "https://evilapi.twilio.com",
        "https://api.evil.example/api.twilio.com",
        "https://api.a.b.c.twilio.com",
        "https://api..twilio.com",
        "https://api.-.twilio.com",
        "https://api-twilio.com",
        "https://apixtwilio.com",
        "https://api.twilioxcom",
        "https://twilio.com",
        "https://mms.twiliocdn.com",
        "https://xn--pi-6kc.twilio.com",
        "https://api.xn--twlio-3ve.com",
        "https://\uff41\uff50\uff49.twilio.com",
        "https://api.twil\u0456o.com",
        "https://\u24d0pi.twilio.com",
        "https://api\u3002twilio\u3002com",
        "https://api.twilio.com.",
        "https://api.twilio.com:443",
        "https://api.twilio.com:8443",
        "https://api.twilio.com:99999",
        "https://api.twilio.com:",
        "https://api.twilio.com%2f",
        "https://api.twilio.com%2f.evil.example",
        "https://127.1",
        "https://0x7f000001",
        "https://2130706433",
        "https://0177.0.0.1",
        "https://[::1]",
        "https://[::1",
        "https://[::ffff:127.0.0.1]",
        "https://169.254.169.254",
        "https://[64:ff9b::7f00:1]",
        "https://[2002:7f00:1::]",
        "https://192.0.0.192",
        "https://168.63.129.16",
        "https://224.0.0.1",
        "https://" + "a" * 4096,
    ],
)
def test_a_media_url_at_any_other_origin_is_refused(origin: str) -> None:
    assert refusal(origin + PATH)


@pytest.mark.parametrize(
    "url",
    [
        "",
        API,
        f"{GOOD}.json",
        f"{GOOD}?x=1",
        f"{GOOD}?",
        f"{GOOD}#x",
        f"{GOOD}/",
        f"{GOOD}\n",
        f"{GOOD} ",
        f"{GOOD}\x00",
        f"{GOOD}0",
        GOOD[:-1],
        GOOD[:-1] + "g",
        GOOD[:-1] + "\uff11",
        GOOD[:-1] + "\u0661",
        GOOD.replace("/Media/", "/Media/../Media/"),
        GOOD.replace("/Media/", "/Media/%2e%2e/Media/"),
        GOOD.replace("/Media/", "//Media/"),
        GOOD.replace("/Media/", "%2fMedia%2f"),
        GOOD.replace("/Media/", "/media/"),
        GOOD.replace("2010-04-01", "2008-08-01"),
        GOOD + "/" + "a" * 4096,
        f"{RECORDING_URL}.mp3",
        f"{RECORDING_URL}?RequestedChannels=2",
    ],
)
def test_a_media_url_with_any_other_path_is_refused(url: str) -> None:
    assert refusal(url) == "It is not the address of a message's media or of a recording."


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (GOOD.replace(ACCOUNT_SID, "AC" + "f" * 32), "It belongs to another account."),
        (GOOD.replace(ACCOUNT_SID, ACCOUNT_SID.upper()), "It belongs to another account."),
        (GOOD.replace(MMS_SID, "MM" + "f" * 32), "It belongs to another message or recording."),
        (GOOD.replace("MM", "SM"), "It belongs to another message or recording."),
        (RECORDING_URL, "It belongs to another message or recording."),
    ],
)
def test_media_of_another_account_message_or_recording_is_refused(url: str, why: str) -> None:
    assert refusal(url) == why


# Credentials.


def test_an_unknown_account_is_reported_as_missing_configuration() -> None:
    other = "AC" + "f" * 32
    with pytest.raises(ConfigMissing, match=f"The account is {other}"):
        media_request(GOOD.replace(ACCOUNT_SID, other), account_sid=other)


def test_an_account_without_a_token_or_key_is_reported_as_missing_configuration(
    settings: Settings,
) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    with pytest.raises(ConfigMissing):
        media_request()


def test_an_unreadable_accounts_file_is_reported_as_missing_configuration(
    settings: Settings,
) -> None:
    settings.TWILIO_ACCOUNTS_FILE = "/nowhere/accounts.json"
    with pytest.raises(ConfigMissing, match=r"TWILIO_ACCOUNTS_FILE \(/nowhere/accounts.json\)"):
        media_request()


def test_the_credentials_are_the_api_key_followed_by_the_tokens_in_their_order(
    settings: Settings,
) -> None:
    settings.TWILIO_AUTH_TOKEN = "old,new"
    settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET = "SK1", "secret"
    names = [(one.username, one.password) for one in media_request().credentials]
    assert names == [("SK1", "secret"), (ACCOUNT_SID, "old"), (ACCOUNT_SID, "new")]
