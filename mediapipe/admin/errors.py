"""Pages that say why a request was refused, what was seen of it, and which setting decides.

They are rendered without the request: its session and user are in the database.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views import defaults

SEEN = ("Origin", "Host", "X-Forwarded-Proto")
# A header may have kilobytes.
MAX_SHOWN = 200

ADD_HOST = (
    "If {host} is an address of this service, add it to DJANGO_ALLOWED_HOSTS, as {host}, and "
    "restart web. Entries such as * or .example.com are not enough."
)
KEEP_HOST = (
    "Make the proxy forward the Host header unchanged, with its port; in nginx: "
    "proxy_set_header Host $http_host;"
)
WITHHELD = (
    "The browser did not say from which page the form came. Usually a proxy replaces the header "
    "Referrer-Policy, for example by no-referrer: make it forward this service's own, which is "
    "same-origin. Extensions and frames of other sites withhold it too."
)
NO_COOKIE = (
    "The browser sent no cookie of this service: allow its cookies. If PUBLIC_BASE_URL is "
    "https, they are sent over https only: open the admin by https."
)
OLD_FORM = "The form is older than your last login: go back, load its page again and repeat it."


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Respond to a form that did not prove to come from a page of this service (403)."""
    if reason.startswith(("Origin checking failed", "Referer checking failed")):
        remedies = _origin_remedies(request)
    else:
        remedies = [NO_COOKIE if "cookie" in reason else OLD_FORM]
    return _render(request, 403, "The form was refused", reason.partition(" - ")[0], remedies)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Respond to a request with 400; explain it if the cause is its Host header."""
    if not isinstance(exception, DisallowedHost):
        return defaults.bad_request(request, exception)
    host = request.headers.get("Host", "")[:MAX_SHOWN]
    remedies = [
        f"If {host} is an address of this service, add it to DJANGO_ALLOWED_HOSTS and restart web."
        " A name has letters, digits, dots and hyphens only.",
        f"Otherwise it may be the name that a proxy uses for web. {KEEP_HOST}",
    ]
    return _render(request, 400, "This host is not served", "Host checking failed", remedies)


def _origin_remedies(request: HttpRequest) -> list[str]:
    """Return what to do about a form whose Origin, or else Referer, is not trusted."""
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    try:
        parts = urlsplit(origin[:MAX_SHOWN])
    except ValueError:
        parts = urlsplit("")
    if not parts.netloc:
        return [WITHHELD]
    if parts.scheme == "https":
        return [ADD_HOST.format(host=parts.netloc.removesuffix(":443"))]
    return [KEEP_HOST, "Or open the admin by https."]


def _render(
    request: HttpRequest, status: int, title: str, reason: str, remedies: list[str]
) -> HttpResponse:
    seen = {name: request.headers.get(name, "")[:MAX_SHOWN] for name in SEEN}
    return refused(status, title, remedies, seen=seen, reason=reason)


def refused(status: int, title: str, remedies: list[str], **context: Any) -> HttpResponse:
    """Return the page of a refusal, with a paragraph for each thing to do about it."""
    whole = {
        "site_title": admin.site.site_title,
        "site_header": admin.site.site_header,
        "title": title,
        "remedies": remedies,
        **context,
    }
    page = render_to_string("admin/mediapipe/refused.html", whole)
    return HttpResponse(page, status=status, headers={"Cache-Control": "private, no-store"})
