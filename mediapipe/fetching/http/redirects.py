import re
from urllib.parse import urldefrag, urljoin, urlsplit

from urllib3.util import parse_url

from mediapipe.failures import RedirectRefused

MAX_URL = 8192
# Parsers disagree about blanks, control characters, backslashes and non-ASCII characters.
UNAMBIGUOUS = re.compile(r"[!-\[\]-~]+")


def target(base: str, location: str) -> str:
    """Return the absolute URL of the Location header that was received from `base`.

    Raises RedirectRefused if it is missing, malformed, ambiguous, not HTTP or has a user name.
    The provider decides whether the host is allowed.
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
