"""Text without what must not leave the service: phone numbers, and URLs that are secrets."""

import re
from urllib.parse import urlsplit

# After a plus whatever looks like a number is one: as it is, escaped for a URL or for JSON.
PLUS = r"(?:\+|%2[Bb]|\\u002[bB])"
REST = r"\d(?:[\s().\-/]{0,2}\d){6,}"
# Without one it must stand by itself, because a SID or a hash is full of digits too.
NUMBER = re.compile(rf"{PLUS}\(?{REST}|(?<![0-9A-Za-z])\(?{REST}(?![0-9A-Za-z])")
DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?: \d\d)?")
# These parameters of Twilio hold a number and nothing else, be it as short as a short code.
NAMED = re.compile(
    r"(?i)(?:from|to|caller|called|forwardedfrom|author|waid|sender|recipient"
    r"|originalrepliedmessagesender|externaluserid|messagingbinding.*address|sipaddress)"
)
# These hold one where nobody sees it: a signed statement about the call, in base64.
SEALED = re.compile(r"(?i)stirpassporttoken|stirpassport")
SHOWN_DIGITS = 2
SIGN = "•"


def masked(text: str) -> str:
    """Return the text with each phone number in it masked: `+15550000077` is `+•••••••••77`."""
    return NUMBER.sub(_if_no_date, text)


def masked_value(name: str, value: str) -> str:
    """Return the value of a webhook's parameter of this name with each phone number masked."""
    if SEALED.fullmatch(name):
        return SIGN * 3
    return _digits_masked(value) if NAMED.fullmatch(name) else masked(value)


def host_of(url: str) -> str:
    """Return the host of a URL, with its port if it names one; "" for a malformed URL.

    Signed CDN links and chat webhooks are secrets, so logs and rows keep the host alone.
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2][:255]
    except ValueError:
        # A webhook can announce anything as a URL; a refused one is recorded as it came.
        return ""


def _if_no_date(found: re.Match[str]) -> str:
    return found[0] if DATE.fullmatch(found[0]) else _masked(found[0])


def _masked(number: str) -> str:
    # The plus, however it is written, holds digits of its own.
    plus = re.match(PLUS, number)
    start = plus.end() if plus else 0
    return number[:start] + _digits_masked(number[start:])


def _digits_masked(text: str) -> str:
    hidden = max(len(re.findall(r"\d", text)) - SHOWN_DIGITS, 0)
    return re.sub(r"\d", SIGN, text, count=hidden) if hidden else text
