from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from twilio.request_validator import RequestValidator

from mediapipe.failures import AddressRefused, Failure
from mediapipe.fetching.http.addresses import is_public, resolve
from mediapipe.fetching.http.post import is_any, post
from mediapipe.management.doctor.findings import Finding, ok
from mediapipe.management.doctor.issues import Issue
from mediapipe.operations.routes.route import SOURCES
from mediapipe.operations.routes.urls import webhook_path
from mediapipe.providers.base import Response
from mediapipe.providers.twilio.accounts import Account, accounts
from mediapipe.providers.twilio.webhooks import TRIAL
from mediapipe.redaction import strip_url_secrets

RESOLVE_TIMEOUT_S = 5.0
# What proxies tend to re-encode or reorder: a space, a plus, a non-ASCII letter, two parameters.
TRICKY_QUERY = "?z=%20&a=%2B&u=%C3%BC&a=1"
OUR_BODIES = {b"<Response/>", b"{}"}
BAD_GATEWAY = {502, 503, 504}
CERTIFICATE_ERRORS = ("SSLCertVerificationError", "CertificateError")


def check_public_url() -> Iterator[Finding]:
    """Send requests signed as Twilio signs them to each PUBLIC_BASE_URL, and yield the outcome.

    They carry an EventType that Twilio does not use: web verifies the signature as for any other
    webhook, then records nothing.
    """
    if not settings.PUBLIC_BASE_URL:
        yield Issue.PUBLIC_URL_MISSING.found()
        return
    for base in (settings.PUBLIC_BASE_URL, *settings.OTHER_BASE_URLS):
        if private := _check_address(base):
            yield private
        yield _first_issue(base) or ok("signed requests are accepted", strip_url_secrets(base))


def _first_issue(base: str) -> Finding | None:
    """Return the first issue only: what breaks one request breaks those after it too."""
    known = [account for account in accounts().values() if account.auth_tokens]
    messaging, *others = [base + webhook_path(source) for source in SOURCES]
    requests = [(messaging, account) for account in known]
    requests += [(url, account) for url in others for account in known[:1]]
    for url, account in requests:
        if issue := _check_request(url, account):
            return issue
    if known and _check_request(messaging + TRICKY_QUERY, known[0]):
        return Issue.QUERY_CHANGED.found(strip_url_secrets(messaging))
    return None


def _check_request(url: str, account: Account) -> Finding | None:
    form = {"AccountSid": account.sid, TRIAL[0]: TRIAL[1], "Body": "ü + %"}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        # Twilio signs with the primary token, even during a rotation.
        "X-Twilio-Signature": RequestValidator(account.auth_tokens[0]).compute_signature(url, form),
    }
    try:
        response = post(url, urlencode(form).encode(), headers)
    except AddressRefused:
        return Issue.PUBLIC_URL_PLAIN.found(strip_url_secrets(url))
    except Failure as failure:
        is_tls = failure.detail.endswith(CERTIFICATE_ERRORS)
        issue = Issue.CERTIFICATE_UNTRUSTED if is_tls else Issue.PUBLIC_URL_UNREACHABLE
        return issue.found(failure.detail)
    where = f"{strip_url_secrets(url)} responds with {response.status} to {account.sid}"
    unexpected = _response_issue(response)
    return unexpected.found(where) if unexpected else None


def _response_issue(response: Response) -> Issue | None:
    """Return the issue that the response reveals; None if it is the expected one of our web."""
    if response.status == 200 and response.body_head.strip() in OUR_BODIES:
        return None
    if 300 <= response.status < 400:
        return Issue.PUBLIC_URL_REDIRECTS
    if response.status in BAD_GATEWAY:
        return Issue.WEB_DOWN
    if response.status == 403 and _error_slug(response) == "not_verified":
        return Issue.SIGNATURE_REFUSED
    # Web relies on the Host header of a webhook only if it has no PUBLIC_BASE_URL.
    if response.status == 400 and _error_slug(response) == "host_not_allowed":
        return Issue.HOST_REFUSED
    return Issue.PUBLIC_URL_NOT_OURS


def _error_slug(response: Response) -> str:
    try:
        document = json.loads(response.body_head)
    except (ValueError, RecursionError):
        return ""
    return str(document.get("error", "")) if isinstance(document, dict) else ""


def _check_address(base: str) -> Finding | None:
    """Return a finding if the host has only private addresses."""
    parts = urlsplit(base)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = resolve(host, port, timeout_s=RESOLVE_TIMEOUT_S, may_connect_to=is_any)
    except Failure:
        # The request that follows reports this.
        return None
    addresses = [str(address.sockaddr[0]) for address in found]
    if any(is_public(address) for address in addresses):
        return None
    return Issue.PUBLIC_URL_PRIVATE.found(f"{host} is at {', '.join(set(addresses))}")
