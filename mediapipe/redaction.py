"""Removes from texts what must not leave the service: personal addresses and secrets in URLs.

An address is what a message can be sent to: a phone number, a WhatsApp user id, an e-mail address.
"""

import re
from urllib.parse import urlsplit, urlunsplit

# A plus sign, plain or escaped for a URL or for JSON. Any digits after it are a phone number.
PLUS = r"(?:\+|%2[Bb]|\\u002[bB])"
# Between its digits, with the Unicode dashes and invisible marks that phones and editors insert.
GAP = r"[\s().\-/\u00ad\u200b-\u2015\u202a-\u202e\u2060-\u2069\u2212\ufe0f]{0,2}"
DIGITS = rf"\d(?:{GAP}\d){{6,}}"
# Without a plus it must not touch letters or digits: SIDs and hashes are full of digits too.
PHONE_NUMBER = re.compile(
    rf"(?P<plus>{PLUS})\(?{DIGITS}|(?<![0-9A-Za-z])\(?{DIGITS}(?![0-9A-Za-z])"
)
DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?: \d\d)?")
# WhatsApp users who hide their number have an id per business instead (Meta: business-scoped user
# ID): a country and up to 128 letters and digits. An id with ENT is shared by several businesses.
USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[0-9A-Za-z]{1,128}")
EMAIL = re.compile(r"[\w.+\-]{1,64}(?:@|%40)[\w\-]{1,63}(?:\.[\w\-]{1,63})+")
# An address after its channel, as in messenger:123, client:alice or sip:alice@example.com.
CHANNEL = re.compile(r"[A-Za-z]{2,20}:(?!//)")
# A short text counts as an id only after its channel: `OK.Thanks` is just a missing space.
ID_OR_EMAIL_IN_TEXT = re.compile(
    r"(?:(?<=(?i:whatsapp):)|(?<=(?i:whatsapp%3a)))[A-Z]{2}\.(?:ENT\.)?[0-9A-Za-z]+"
    r"|(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2}))[A-Z]{2}\.(?:ENT\.)?"
    r"(?:(?=[A-Za-z]*[0-9])[0-9A-Za-z]{8,}|[0-9A-Za-z]{16,})"
    rf"|(?<![\w.+\-]){EMAIL.pattern}"
)
# Twilio's parameters that contain nothing but an address, which may be as short as a short code.
ADDRESS_FIELDS = re.compile(
    r"(?i)(?:from|to|caller|called|forwardedfrom|author|waid|sender|recipient"
    r"|originalrepliedmessagesender|(?:parent)?externaluserid|messagingbinding.*address|sipaddress)"
)
# A signed statement about the call, in base64: it contains both numbers.
OPAQUE_FIELDS = re.compile(r"(?i)stirpassporttoken|stirpassport")
URL = re.compile(r"https?://[^\s\"'<>]+")
DIGIT, ALPHANUMERIC = re.compile(r"\d"), re.compile(r"[^\W_]")
SHOWN = 2
MASK = "•"


def is_address(text: str) -> bool:
    """Return whether all of the text is a user id, an e-mail address or a channel's address."""
    return bool(
        USER_ID.fullmatch(text)
        or EMAIL.fullmatch(text)
        or (CHANNEL.match(text) and not re.search(r"\s|:$", text))
    )


def mask_addresses(text: str) -> str:
    """Return the text with personal addresses masked: `+15550000077` becomes `+•••••••••77`.

    Masks phone numbers, WhatsApp user ids and e-mail addresses except for the last two characters.
    """
    without_names = ID_OR_EMAIL_IN_TEXT.sub(lambda found: _mask(ALPHANUMERIC, found[0]), text)
    return PHONE_NUMBER.sub(_mask_match, without_names)


def mask_parameter(name: str, value: str) -> str:
    """Return the value of this parameter of a webhook with each address in it masked."""
    if OPAQUE_FIELDS.fullmatch(name):
        return MASK * 3
    return mask_address(value) if ADDRESS_FIELDS.fullmatch(name) else mask_addresses(value)


def mask_address(value: str) -> str:
    """Return the address masked, even a short code or id; a name such as `ACME Ltd.` stays."""
    if not is_address(value):
        return _mask(DIGIT, value)
    channel = CHANNEL.match(value)
    start = channel.end() if channel else 0
    return value[:start] + _mask(ALPHANUMERIC, value[start:])


def _mask_match(found: re.Match[str]) -> str:
    if DATE.fullmatch(found[0]):
        return found[0]
    # An escaped plus sign contains digits, which must stay.
    plus = found["plus"] or ""
    return plus + _mask(DIGIT, found[0].removeprefix(plus))


def _mask(hidden: re.Pattern[str], text: str) -> str:
    """Return the text with all but the last SHOWN of these characters masked."""
    count = len(hidden.findall(text)) - SHOWN
    return hidden.sub(MASK, text, count=count) if count > 0 else text


def strip_url_secrets(url: str) -> str:
    """Return the URL without user, password, query and fragment; "" for a malformed URL.

    The query of a signed link gives access to the media; SIDs in the path do not, without
    credentials.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def redact(text: str) -> str:
    """Return the text with personal addresses masked and without the secrets of its URLs."""
    return mask_addresses(URL.sub(lambda found: strip_url_secrets(found[0]), text))


def host_of(url: str) -> str:
    """Return the host of a URL, with its port if it names one; "" for a malformed URL.

    Signed CDN links and chat webhooks are secrets, so logs and rows contain only the host.
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2][:255]
    except ValueError:
        # A webhook can announce anything as a URL; a refused one is recorded as received.
        return ""
