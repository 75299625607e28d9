"""Whether a request that is signed as Twilio signs is accepted at PUBLIC_BASE_URL.

It carries an EventType that Twilio does not have: web verifies it like any other webhook, and
then records nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from twilio.request_validator import RequestValidator

from mediapipe.failures import AddressRefused, Failure
from mediapipe.fetching.http.addresses import is_public, resolve
from mediapipe.fetching.http.post import is_any, post
from mediapipe.management.doctor.findings import Finding, fine
from mediapipe.management.doctor.issues import Trouble
from mediapipe.providers.base import Response
from mediapipe.providers.twilio.accounts import Account, accounts
from mediapipe.providers.twilio.webhooks import TRIAL

SOURCES = ("messaging", "recording", "conversations")
LOOK_UP_S = 5.0
# What proxies like to write in another way: a blank, a plus, a letter, an order.
QUERY = "?z=%20&a=%2B&u=%C3%BC&a=1"
ANSWERS = {b"<Response/>", b"{}"}
GATEWAY = {502, 503, 504}
CERTIFICATE = ("SSLCertVerificationError", "CertificateError")


def examine() -> Iterator[Finding]:
    """Yield what became of one signed request for each account and each URL."""
    base = settings.PUBLIC_BASE_URL
    if not base:
        yield Trouble.PUBLIC_URL_MISSING.found()
        return
    if (private := _private_address(base)) is not None:
        yield private
    trouble = _first_trouble([account for account in accounts().values() if account.auth_tokens])
    yield trouble or fine("signed requests are accepted", base)


def url_of(source: str) -> str:
    """Return the URL to which Twilio sends webhooks of this kind."""
    return f"{settings.PUBLIC_BASE_URL}/webhooks/twilio/{source}/"


def _first_trouble(known: list[Account]) -> Finding | None:
    """Return the first trouble: what is wrong with one request is wrong with those after it."""
    for account in known:
        if trouble := _sent(url_of(SOURCES[0]), account):
            return trouble
    for source in SOURCES[1:]:
        if trouble := _sent(url_of(source), known[0]):
            return trouble
    if known and _sent(url_of(SOURCES[0]) + QUERY, known[0]):
        return Trouble.QUERY_CHANGED.found(url_of(SOURCES[0]))
    return None


def _sent(url: str, account: Account) -> Finding | None:
    try:
        answer = post(url, *_signed(url, account))
    except AddressRefused:
        return Trouble.PUBLIC_URL_PLAIN.found(settings.PUBLIC_BASE_URL)
    except Failure as failure:
        is_tls = failure.detail.endswith(CERTIFICATE)
        trouble = Trouble.CERTIFICATE_UNTRUSTED if is_tls else Trouble.PUBLIC_URL_UNREACHABLE
        return trouble.found(failure.detail)
    meaning = _meaning(answer)
    return None if meaning is None else meaning.found(_place(url, account, answer))


def _signed(url: str, account: Account) -> tuple[bytes, dict[str, str]]:
    """Return body and headers as Twilio would send them, signed with the primary token."""
    form = {"AccountSid": account.sid, TRIAL[0]: TRIAL[1], "Body": "ü + %"}
    signature = RequestValidator(account.auth_tokens[0]).compute_signature(url, form)
    return urlencode(form).encode(), {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": signature,
    }


def _place(url: str, account: Account, answer: Response) -> str:
    return f"{url} answers {answer.status} to {account.sid}"


def _meaning(answer: Response) -> Trouble | None:
    """Return what is wrong, by the answer; None where it is that of our web."""
    if answer.status == 200 and answer.body_head.strip() in ANSWERS:
        return None
    if 300 <= answer.status < 400:
        return Trouble.PUBLIC_URL_REDIRECTS
    if answer.status in GATEWAY:
        return Trouble.WEB_DOWN
    if answer.status == 403 and _our_error(answer) == "not_verified":
        return Trouble.SIGNATURE_REFUSED
    if answer.status == 400 and b"Bad Request (400)" in answer.body_head:
        return Trouble.HOST_REFUSED
    return Trouble.PUBLIC_URL_NOT_OURS


def _our_error(answer: Response) -> str:
    try:
        document = json.loads(answer.body_head)
    except (ValueError, RecursionError):
        return ""
    return str(document.get("error", "")) if isinstance(document, dict) else ""


def _private_address(base: str) -> Finding | None:
    """Return a finding if every address of the host is one that the internet does not reach."""
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = resolve(parts.hostname or "", port, timeout_s=LOOK_UP_S, may_connect_to=is_any)
    except Failure:
        # The request itself says so.
        return None
    addresses = [str(address.sockaddr[0]) for address in found]
    if any(is_public(address) for address in addresses):
        return None
    return Trouble.PUBLIC_URL_PRIVATE.found(f"{parts.hostname} is at {', '.join(set(addresses))}")
