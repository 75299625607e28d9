import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product
from urllib.parse import parse_qsl

from django.conf import settings
from twilio.request_validator import RequestValidator

from mediapipe.providers.base import Parameters, WebhookRequest
from mediapipe.providers.refusals import WebhookForged, WebhookUnreadable
from mediapipe.providers.twilio.accounts import ACCOUNT_SID, Account, accounts

SIGNATURE_HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"

# A real webhook has about 30 parameters; Django's own limit for forms is the same.
MAX_PARAMETERS = 1000

# HMAC-SHA1 in base64.
SIGNATURE = re.compile(r"[A-Za-z0-9+/]{27}=")

# Used instead of the SDK, which mangles IPv6 hosts and user:pass@, raises on ports over 65535 and
# drops the "?" of an empty query; all of these are part of the signed URL.
URL = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?P<user>[^/?#]*@)?(?P<host>\[[^/?#\]]*\]|[^/?#:@]*)"
    r"(?P<port>:[0-9]*)?(?P<rest>(?:[/?][^#]*)?)(?:#.*)?",
    re.DOTALL,
)


def verify(request: WebhookRequest) -> Parameters:
    """Return the parameters of a request that Twilio signed, every pair as received.

    Raises WebhookUnreadable or WebhookForged.
    """
    return _verified(request).parameters


def signature_for(request: WebhookRequest, url: str) -> str:
    """Return the signature of the same request at another URL, with the token that verified it.

    Raises as verify() does: only a request that Twilio signed is signed again.
    """
    verified = _verified(request)
    return _compute(verified.token, url, _form(verified.signed))


@dataclass(frozen=True, slots=True)
class _Verified:
    """All parameters of a request, those signed in addition to the URL, and the matching token."""

    parameters: Parameters
    signed: Parameters
    token: str = field(repr=False)


def _verified(request: WebhookRequest) -> _Verified:
    # The body is parsed before the signature is checked only because its AccountSid selects the
    # token to check with; nothing else in it is trusted yet.
    parameters, signed = _read_parameters(request)
    account = _account(parameters)
    signature = _signature(request.headers)
    for url in _configured_urls(request.url):
        if token := _matching_token(url, signed, signature, account.auth_tokens):
            return _Verified(parameters, signed, token)
    raise WebhookForged(
        "signature_wrong",
        "The signature does not match the URL, parameters and token: compare PUBLIC_BASE_URL"
        " with the URL at Twilio, and the token with the account's primary one.",
    )


def signature_matches(
    url: str, params: Iterable[tuple[str, str]], signature: str, tokens: Iterable[str]
) -> bool:
    """Return whether one of the tokens made this signature of the URL and the parameters.

    As in the SDK, a repeated parameter counts once per distinct value, sorted by value. Without
    parameters only the URL is signed.
    """
    return _matching_token(url, params, signature, tokens) is not None


def _matching_token(
    url: str, params: Iterable[tuple[str, str]], signature: str, tokens: Iterable[str]
) -> str | None:
    form = _form(params)
    for token, candidate in product(tokens, list(_signed_urls(url))):
        expected = _compute(token, candidate, form)
        if hmac.compare_digest(expected.encode(), signature.encode()):
            return token
    return None


class _Form(dict[str, list[str]]):
    """Parameters with repeated names; RequestValidator calls `getall` if there is one."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def _form(params: Iterable[tuple[str, str]]) -> _Form:
    form = _Form()
    for name, value in params:
        form.setdefault(name, []).append(value)
    return form


def _compute(token: str, url: str, form: _Form) -> str:
    signature: str = RequestValidator(token).compute_signature(url, form)
    return signature


def body_matches(url: str, body: bytes) -> bool:
    """Return whether the URL has exactly one bodySHA256 and it is the hash of this body."""
    hashes = [value for name, value in _pairs(_query(url)) if name == "bodySHA256"]
    return hashes == [sha256(body).hexdigest()]


def _configured_urls(url: str) -> Iterator[str]:
    """Yield the URL, and the same path at each other origin that may be configured at Twilio.

    Numbers move to another origin one at a time; the signature proves which one was called. Only
    listed origins count: one named by the client would let a signature for another server pass.
    """
    yield url
    if parts := URL.fullmatch(url):
        for origin in (*settings.OTHER_BASE_URLS, *settings.HTTPS_ORIGINS):
            yield origin + parts["rest"]


def _signed_urls(url: str) -> Iterator[str]:
    """Yield the variants of a URL that Twilio may have signed, most likely first.

    Twilio omits the fragment and, inconsistently, the port and user:pass@. Web servers do not
    report whether an empty query had its question mark. Each variant costs one signature.
    """
    parts = URL.fullmatch(url)
    if parts is None:
        return
    default_port = ":443" if parts["scheme"].lower() == "https" else ":80"
    users = dict.fromkeys(("", parts["user"] or ""))
    ports = (parts["port"], "") if parts["port"] else ("", default_port)
    endings = ("",) if "?" in parts["rest"] else ("", "?")
    for user, ending, port in product(users, endings, ports):
        yield f"{parts['scheme']}://{user}{parts['host']}{port}{parts['rest']}{ending}"


def _read_parameters(request: WebhookRequest) -> tuple[Parameters, Parameters]:
    """Return all parameters of a request, and those that are signed in addition to the URL."""
    _require_utf8(request.url)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "GET":
        return _pairs(_query(request.url)), ()
    if content_type == "application/json":
        return _json(request), ()
    if content_type == "application/x-www-form-urlencoded" or not (content_type or request.body):
        form = _pairs(_decoded(request.body))
        return form, form
    raise WebhookUnreadable("content_type", "The body is neither a form nor JSON.")


def _query(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def _pairs(form: str) -> Parameters:
    if form.count("&") >= MAX_PARAMETERS:
        raise _too_many()
    try:
        return tuple(parse_qsl(form, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _json(request: WebhookRequest) -> Parameters:
    # Twilio signs the URL, and the hash in the URL covers the body. The SDK does not check the hash
    # if it is given the empty form of a JSON request.
    if not body_matches(request.url, request.body):
        raise WebhookForged("body_hash", "The URL does not carry the hash of the JSON body.")
    try:
        parameters = _flat(json.loads(_decoded(request.body)))
    except (ValueError, RecursionError):
        raise WebhookUnreadable("json", "The body is not a JSON object.") from None
    if len(parameters) > MAX_PARAMETERS:
        raise _too_many()
    _require_utf8("".join(name + value for name, value in parameters))
    return parameters


def _flat(content: object) -> Parameters:
    if not isinstance(content, dict):
        raise ValueError
    return tuple((name, _text(value)) for name, value in content.items())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _require_utf8(text: str) -> None:
    # Half of a surrogate pair can arrive as an escape in JSON or as a raw byte in a WSGI variable;
    # neither the SDK nor PostgreSQL accepts it.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _not_utf8() from None


def _not_utf8() -> WebhookUnreadable:
    return WebhookUnreadable("invalid_utf8", "The request is not valid UTF-8.")


def _too_many() -> WebhookUnreadable:
    return WebhookUnreadable("too_many_parameters", f"There are over {MAX_PARAMETERS} parameters.")


def _account(parameters: Parameters) -> Account:
    sids = {value for name, value in parameters if name == "AccountSid"}
    sid = sids.pop() if len(sids) == 1 else ""
    if not ACCOUNT_SID.fullmatch(sid):
        raise WebhookForged("account_sid", "The request does not name one valid AccountSid.")
    account = accounts().get(sid)
    if account is None:
        raise WebhookForged("account_unknown", f"The account {sid} is not configured.")
    if not account.auth_tokens:
        raise WebhookForged("token_missing", f"The account {sid} has no auth token to check with.")
    return account


def _signature(headers: Mapping[str, str]) -> str:
    # This header itself is not signed, so it must not choose the key or the algorithm.
    if SETTINGS_HEADER in headers:
        raise WebhookForged("signature_settings", "Signatures with a shared key are not accepted.")
    signature = headers.get(SIGNATURE_HEADER, "")
    if not signature:
        raise WebhookForged("signature_missing", "The header X-Twilio-Signature is missing.")
    if not SIGNATURE.fullmatch(signature):
        raise WebhookForged("signature_malformed", "X-Twilio-Signature is not an HMAC-SHA1.")
    return signature
