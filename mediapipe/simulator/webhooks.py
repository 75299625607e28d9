import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Literal
from urllib.parse import SplitResult, urlsplit, urlunsplit

from twilio.request_validator import RequestValidator

from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.state import State

# "All retries end within 15 s" (Twilio: webhook connection overrides).
TIMEOUT_S = 15.0
# Twilio: conversations webhooks.
TIMEOUTS_S = {"conversations": 5.0}
NO_ANSWER = 0

Signature = Literal["right", "wrong", "none"]
Method = Literal["POST", "GET"]

PATHS = {
    "messaging": "/webhooks/twilio/messaging/",
    "recording": "/webhooks/twilio/recording/",
    "conversations": "/webhooks/twilio/conversations/",
}


@dataclass(frozen=True)
class SignedRequest:
    """A request ready to be sent, with any HTTP client or with Django's test client."""

    method: Method
    url: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Delivery:
    """One sent webhook: the status of the response, or NO_ANSWER without one."""

    webhook: Webhook
    url: str
    status: int
    sent_at: datetime
    took_s: float


class _Parameters(dict[str, list[str]]):
    """Parameters with repeated names, as RequestValidator expects them."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def sign(
    webhook: Webhook,
    url: str,
    token: str,
    *,
    method: Method = "POST",
    signature: Signature = "right",
) -> SignedRequest:
    """Return the webhook as a request to `url`, signed with the auth token of its account.

    The signature covers the configured URL without fragment and user. A GET has its parameters in
    the URL, so only the URL is signed (Twilio docs: security).
    """
    url = urlsplit(url)._replace(fragment="").geturl()
    headers = _headers(method)
    if method == "GET":
        url += ("&" if "?" in url else "?") + webhook.form()
    if signature != "none":
        parameters = webhook.parameters if method == "POST" else ()
        right = _signature(_signed_url(url, webhook), parameters, token)
        # Same length: a comparison of lengths alone must not detect it.
        wrong = ("B" if right[0] == "A" else "A") + right[1:]
        headers["X-Twilio-Signature"] = right if signature == "right" else wrong
    return SignedRequest(method, url, headers, webhook.form() if method == "POST" else "")


def _headers(method: Method) -> dict[str, str]:
    headers = {
        "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
        "Accept": "*/*",
        "X-Home-Region": "us1",
        "User-Agent": "TwilioProxy/1.1",
    }
    if method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
    return headers


def _signed_url(url: str, webhook: Webhook) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and webhook.source == "recording":
        # Voice drops the port over HTTPS; messaging keeps it, and both keep it over HTTP.
        host = host.partition(":")[0]
    return urlunsplit(parts._replace(netloc=host))


def _signature(url: str, parameters: tuple[tuple[str, str], ...], token: str) -> str:
    values = _Parameters()
    for name, value in parameters:
        values.setdefault(name, []).append(value)
    computed: str = RequestValidator(token).compute_signature(url, values)
    return computed


class WebhookSender:
    """Sends webhooks from any number of threads, and records the outcomes."""

    def __init__(self, state: State, base: str) -> None:
        """`base` is the origin of the service, such as http://127.0.0.1:8000."""
        self._state = state
        self._base = base
        self._lock = threading.Lock()
        self._deliveries: list[Delivery] = []

    def send(
        self,
        webhook: Webhook,
        *,
        to: str = "",
        method: Method = "POST",
        signature: Signature = "right",
    ) -> int:
        """Announce the webhook's media, send it, and return the response's status.

        `to` is a URL; by default the service's endpoint for its kind. Redirects are not followed,
        to reveal a missing trailing slash. The status is NO_ANSWER if there is no response: each
        socket operation may take 15 s, or 5 s for a conversation.
        """
        webhook = webhook.at(self._state.api_origin)
        url = to or self._base + PATHS[webhook.source]
        token = self._state.accounts[webhook["AccountSid"]]
        request = sign(webhook, url, token, method=method, signature=signature)
        for script in webhook.media:
            self._state.register(script)
            if webhook.announces:
                script.announce()
        delivery = self._deliver(webhook, request)
        with self._lock:
            self._deliveries.append(delivery)
        return delivery.status

    def _deliver(self, webhook: Webhook, request: SignedRequest) -> Delivery:
        sent_at, started_s = datetime.now(UTC), time.monotonic()
        try:
            status = _post(request, TIMEOUTS_S.get(webhook.source, TIMEOUT_S))
        except (OSError, HTTPException):
            status = NO_ANSWER
        return Delivery(webhook, request.url, status, sent_at, time.monotonic() - started_s)

    def deliveries(self) -> list[Delivery]:
        """Return every webhook sent so far, in the order of their responses."""
        with self._lock:
            return list(self._deliveries)


def _post(request: SignedRequest, timeout_s: float) -> int:
    # Not sent with requests, which would normalise the quoting of the signed URL.
    address = urlsplit(request.url)
    target = urlunsplit(("", "", address.path or "/", address.query, ""))
    with closing(_connect(address, timeout_s)) as connection:
        connection.putrequest(request.method, target, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        body = request.body.encode()
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        response.read()
        return response.status


def _connect(address: SplitResult, timeout_s: float) -> HTTPConnection:
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=timeout_s)
    try:
        connection.connect()
    except OSError:
        # By default Twilio retries once, only if the connection failed (rc=1, rp=ct).
        connection.connect()
    return connection
