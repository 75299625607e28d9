import json
import re
from collections.abc import Mapping
from dataclasses import replace

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mediapipe.failures import (
    AddressRefused,
    BadRequest,
    CdnRefused,
    ConfigMissing,
    FinalFailure,
    Gone,
    RateLimited,
    TransientFailure,
    TransientMedia404,
    TwilioError,
    Unauthorized,
    UnexpectedResponse,
)
from mediapipe.providers.base import Link, MediaRequest, Response
from mediapipe.providers.twilio.accounts import accounts

# No doubled, leading or trailing hyphens, which excludes xn-- names.
LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"

# api.twilio.com, api.{region}.twilio.com, api.{edge}.{region}.twilio.com
API_HOST = rf"api(?:\.{LABEL}){{0,2}}\.twilio\.com"
TWILIO_ORIGIN = re.compile(rf"https?://(?P<host>{API_HOST})")

# The whole string is matched instead of parsed, because URL parsers disagree about where the
# host of an odd URL ends: the credentials would go to the host that the other parser found.
MEDIA_URL = re.compile(
    r"(?P<origin>https?://[^/]+)"
    r"(?P<path>/2010-04-01/Accounts/(?P<account>AC[0-9a-fA-F]{32})/"
    r"(?:Messages/(?P<message>(?:MM|SM)[0-9a-fA-F]{32})/Media/(?P<media>ME[0-9a-fA-F]{32})"
    r"|Recordings/(?P<recording>RE[0-9a-fA-F]{32})))"
)

# The URL of a conversation's media does not contain its account. The account needs no check:
# with the credentials of another account the media is not found.
MCS_HOST = rf"mcs(?:\.{LABEL}){{1,2}}\.twilio\.com"
MCS_ORIGIN = re.compile(rf"https://{MCS_HOST}")
MCS_URL = re.compile(
    r"(?P<origin>https?://[^/]+)/v1/Services/IS[0-9a-fA-F]{32}/Media/(?P<media>ME[0-9a-fA-F]{32})"
)

# No user:pass@, blank, backslash, control or non-ASCII character anywhere.
REDIRECT_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?:/[!-\[\]-~]*)?"
)
REDIRECT_HOST = re.compile(
    rf"{API_HOST}"
    rf"|(?:{LABEL}\.)+twiliocdn\.com"
    rf"|media(?:\.{LABEL}){{1,2}}\.twilio\.com"
    rf"|s3-external-1\.amazonaws\.com"
    rf"|(?:{LABEL}\.)*s3(?:\.[a-z]{{2}}(?:-[a-z]+)+-[0-9])?\.amazonaws\.com"
)

OWN_HOST = re.compile(rf"(?:{LABEL}\.)+twilio(?:cdn)?\.com|{REDIRECT_HOST.pattern}")

FAILURES: Mapping[int, type[TransientFailure] | type[FinalFailure]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: TransientMedia404,
    408: TwilioError,
    410: Gone,
    425: TwilioError,
    429: RateLimited,
    **dict.fromkeys(range(500, 600), TwilioError),
}

# The CDN rejects an expired signed link, or a second means of authentication, with these
# statuses; they say nothing about our Twilio credentials.
CDN_FAILURES = {**FAILURES, 400: CdnRefused, 401: CdnRefused, 403: CdnRefused}

XML_CODE = re.compile(rb"<Code>\s*([0-9]{1,9})\s*</Code>")
JSON_CODE = re.compile(rb'\s*\{.*?"code"\s*:\s*([0-9]{1,9})\s*[,}]', re.DOTALL)


def canonical(url: str, account_sid: str, subject_sid: str) -> tuple[str, str]:
    """Return the URL to fetch for a media URL, and the SID of its media or recording.

    Allowed are media of this account's message or recording at Twilio's API hosts, and media of
    a conversation at Twilio's media service; both also at the origins of TWILIO_API_HOSTS.
    Raises AddressRefused.
    """
    if conversation := MCS_URL.fullmatch(url):
        if not subject_sid.startswith("IM"):
            raise AddressRefused("It belongs to a conversation.")
        if not is_media_service(conversation["origin"]):
            raise AddressRefused("Its host is not Twilio's media service, nor in TWILIO_API_HOSTS.")
        return url, conversation["media"]
    parts = MEDIA_URL.fullmatch(url)
    if parts is None:
        raise AddressRefused("It is not the address of a message's media or of a recording.")
    origin = _https_at_twilio(parts["origin"])
    if parts["account"] != account_sid:
        raise AddressRefused("It belongs to another account.")
    if subject_sid not in (parts["message"], parts["recording"]):
        raise AddressRefused("It belongs to another message or recording.")
    return origin + parts["path"], parts["media"] or parts["recording"]


def is_media_service(origin: str) -> bool:
    """Return whether this is an origin of Twilio's media service, or one of TWILIO_API_HOSTS."""
    return bool(MCS_ORIGIN.fullmatch(origin)) or origin in settings.TWILIO_API_HOSTS


def is_twilio(origin: str) -> bool:
    """Return whether this is an origin of Twilio's API, or one of TWILIO_API_HOSTS."""
    return bool(TWILIO_ORIGIN.fullmatch(origin)) or origin in settings.TWILIO_API_HOSTS


def recording_sid_in(url: str) -> str:
    """Return the SID that a well-formed recording URL names, else an empty string."""
    parts = MEDIA_URL.fullmatch(url)
    return (parts["recording"] or "") if parts else ""


def media_request(*, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
    """Return the request for a media URL; raise AddressRefused or ConfigMissing."""
    # Checked when the webhook came in, and again here before anything is sent: the allowed
    # origins may have changed since, and the row could have been written by other code.
    checked, _ = canonical(url, account_sid, subject_sid)
    try:
        account = accounts().get(account_sid)
    except ImproperlyConfigured as exc:
        raise ConfigMissing(str(exc)) from exc
    credentials = account.credentials() if account else ()
    if not credentials:
        raise ConfigMissing(f"The account is {account_sid}.")
    # The URL of a conversation's media returns its metadata.
    link_in = link_in_metadata if MCS_URL.fullmatch(checked) else None
    return MediaRequest(checked, credentials, may_redirect_to, link_in)


def link_in_metadata(response: Response) -> Link | None:
    """Return the temporary link and size from metadata, or None (Twilio: media resource)."""
    try:
        document = json.loads(response.body_head)
        url, size = document["links"]["content_direct_temporary"], document.get("size")
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError):
        return None
    if not isinstance(url, str):
        return None
    return Link(url, size if type(size) is int and size > 0 else None)


def deletion_request(*, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
    """Return the DELETE request for a message's media or a recording (Twilio: both resources).

    Raises AddressRefused, also for media of conversations, or ConfigMissing.
    """
    if not MEDIA_URL.fullmatch(url):
        raise AddressRefused("Only the media of messages, and recordings, can be deleted.")
    request = media_request(url=url, account_sid=account_sid, subject_sid=subject_sid)
    return replace(request, url=f"{request.url}.json")


def may_redirect_to(url: str) -> bool:
    """Return whether a redirect from Twilio to this URL may be followed, without credentials.

    Allowed are https on port 443 at Twilio's CDN, S3 and Twilio's API; the origins of
    TWILIO_API_HOSTS; and the hosts of MEDIA_REDIRECT_HOSTS, on any port unless one is given.
    """
    parts = REDIRECT_URL.fullmatch(url)
    if parts is None:
        return False
    scheme, host = parts["scheme"], parts["host"].lower()
    port = int(parts["port"] or (443 if scheme == "https" else 80))
    if not 0 < port < 65536:
        return False
    if scheme == "https" and port == 443 and REDIRECT_HOST.fullmatch(host):
        return True
    if not {host, f"{host}:{port}"}.isdisjoint(settings.MEDIA_REDIRECT_HOSTS):
        return True
    return url.startswith(tuple(f"{origin}/" for origin in settings.TWILIO_API_HOSTS))


def is_own_host(host: str) -> bool:
    """Return whether this is a host of Twilio, or of Amazon S3, to which Twilio may redirect."""
    return bool(OWN_HOST.fullmatch(host.lower()))


def classify(response: Response) -> TransientFailure | FinalFailure | None:
    """Return the failure that a response means, or None if its body is the media.

    A 404 is the same for media that has not propagated yet, was deleted or never existed, at the
    API and the CDN alike: only time distinguishes them (Twilio: recording, media).
    """
    if response.status == 200:
        return None
    failures = CDN_FAILURES if response.redirected else FAILURES
    failure = failures.get(response.status, UnexpectedResponse)
    code = error_code(response)
    detail = f"HTTP {response.status}" + (f", Twilio error {code}" if code else "")
    if failure in (RateLimited, TwilioError):
        return failure(detail, retry_after_s=response.retry_after_s)
    return failure(detail)


def error_code(response: Response) -> int | None:
    """Return the code of a RestException, such as 20404, if the body is one in XML or JSON.

    The body is untrusted and may be cut off: it is searched, never parsed.
    """
    head = response.body_head
    found = XML_CODE.search(head) if b"<RestException>" in head else JSON_CODE.match(head)
    return int(found[1]) if found else None


def _https_at_twilio(origin: str) -> str:
    # Twilio's own examples still show http://, which would expose the credentials.
    if twilio := TWILIO_ORIGIN.fullmatch(origin):
        return f"https://{twilio['host']}"
    if origin in settings.TWILIO_API_HOSTS:
        return origin
    raise AddressRefused("Its host is not Twilio's, nor one of TWILIO_API_HOSTS.")
