"""Where a Location header leads, read so that no two parsers can disagree about the host."""

import re
from urllib.parse import urldefrag, urljoin, urlsplit

from urllib3.util import parse_url

from mediapipe.failures import RedirectRefused

MAX_URL = 8192
# Parsers differ over blanks, control characters, backslashes and what is not ASCII.
UNAMBIGUOUS = re.compile(r"[!-\[\]-~]+")


def target(base: str, location: str) -> str:
    """Return the absolute URL that `location`, an answer to `base`, redirects to.

    Raises RedirectRefused for what is missing, malformed, ambiguous, not HTTP or carries
    a user name. Whether the host is allowed is the provider's question.
    """
    if not UNAMBIGUOUS.fullmatch(location) or len(location) > MAX_URL:
        raise RedirectRefused("no usable Location")
    try:
        url = urldefrag(urljoin(base, location)).url
        parts, other = urlsplit(url), parse_url(url)
        theirs = (other.scheme, (other.host or "").strip("[]"), other.port)
        agreed = (parts.scheme, parts.hostname, parts.port) == theirs
    except ValueError:
        raise RedirectRefused("malformed Location") from None
    if not agreed or "@" in parts.netloc or parts.scheme not in ("http", "https"):
        raise RedirectRefused("ambiguous Location")
    return url
