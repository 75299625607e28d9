"""Text without what must not leave the service: phone numbers, and URLs that are secrets."""

import re
from urllib.parse import urlsplit, urlunsplit

# A plus sign as it is, or escaped for a URL or for JSON. Any digits after it are a number.
PLUS = r"(?:\+|%2[Bb]|\\u002[bB])"
DIGITS = r"\d(?:[\s().\-/]{0,2}\d){6,}"
# Without a plus it must not touch letters or digits: SIDs and hashes are full of digits too.
PHONE_NUMBER = re.compile(
    rf"(?P<plus>{PLUS})\(?{DIGITS}|(?<![0-9A-Za-z])\(?{DIGITS}(?![0-9A-Za-z])"
)
DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?: \d\d)?")
# Twilio's parameters that contain nothing but a number, which may be as short as a short code.
NUMBER_FIELDS = re.compile(
    r"(?i)(?:from|to|caller|called|forwardedfrom|author|waid|sender|recipient"
    r"|originalrepliedmessagesender|externaluserid|messagingbinding.*address|sipaddress)"
)
# A signed statement about the call, in base64: it contains both numbers.
OPAQUE_FIELDS = re.compile(r"(?i)stirpassporttoken|stirpassport")
URL = re.compile(r"https?://[^\s\"'<>]+")
SHOWN_DIGITS = 2
MASK = "•"


def mask_phone_numbers(text: str) -> str:
    """Return the text with each phone number in it masked: `+15550000077` is `+•••••••••77`."""
    return PHONE_NUMBER.sub(_mask_match, text)


def mask_parameter(name: str, value: str) -> str:
    """Return the value of this parameter of a webhook with each phone number in it masked."""
    if OPAQUE_FIELDS.fullmatch(name):
        return MASK * 3
    return _mask_digits(value) if NUMBER_FIELDS.fullmatch(name) else mask_phone_numbers(value)


def _mask_match(found: re.Match[str]) -> str:
    if DATE.fullmatch(found[0]):
        return found[0]
    # The escaped plus signs contain digits of their own, which stay.
    plus = found["plus"] or ""
    return plus + _mask_digits(found[0].removeprefix(plus))


def _mask_digits(text: str) -> str:
    hidden = max(len(re.findall(r"\d", text)) - SHOWN_DIGITS, 0)
    return re.sub(r"\d", MASK, text, count=hidden) if hidden else text


def strip_url_secrets(url: str) -> str:
    """Return the URL without user, password, query and fragment; "" for a malformed URL.

    The query of a signed link opens the media; SIDs in the path open nothing without credentials.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def redact(text: str) -> str:
    """Return the text without phone numbers and without the secrets of the URLs in it."""
    return mask_phone_numbers(URL.sub(lambda found: strip_url_secrets(found[0]), text))


def host_of(url: str) -> str:
    """Return the host of a URL, with its port if it names one; "" for a malformed URL.

    Signed CDN links and chat webhooks are secrets, so logs and rows keep the host alone.
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2][:255]
    except ValueError:
        # A webhook can announce anything as a URL; a refused one is recorded as it came.
        return ""
