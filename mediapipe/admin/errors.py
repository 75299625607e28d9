"""Pages that say why a request was refused, what arrived of it, and which setting decides.

They are rendered without the request, because its session and user would need the database. Only
a missing permission names the user, who has been read already.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.core.exceptions import BadRequest, DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views import defaults

from mediapipe import logs
from mediapipe.operations import roles

SEEN = ("Origin", "Host", "X-Forwarded-Proto")
# A header can be several kilobytes long.
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
    "The browser did not send the origin of the form. Usually a proxy replaces the header "
    "Referrer-Policy, for example with no-referrer: make it forward the value that this service "
    "sets, same-origin. Browser extensions, and frames in other sites, may also withhold it."
)
NO_COOKIE = (
    "The browser sent no cookie of this service: allow its cookies. If PUBLIC_BASE_URL is "
    "https, they are sent over https only: open the admin over https."
)
ASK_FOR_A_ROLE = "Ask an administrator for another role: manage.py role assigns it."
NO_ROLE_MAY = (
    "No role permits this, and superusers may not do it either: rows are changed only by the "
    "buttons and actions of their pages."
)
SEARCH = (
    "The address may be incomplete, or retention has deleted the row. The overview finds media "
    "by any SID, phone number or URL."
)
REPORT = (
    "This is a bug in the service, or its database does not respond: the overview and "
    "manage.py doctor show which. The log has the error under the request ID"
)
PARAMETERS = (
    "The address has parameters that this page does not accept: go back to the list and set the "
    "filters again."
)
OLD_FORM = "The form is older than your last login: go back, load its page again and repeat it."


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Respond with 403 to a form that failed the CSRF check, and say what to do about it."""
    if reason.startswith(("Origin checking failed", "Referer checking failed")):
        remedies = _origin_remedies(request)
    else:
        remedies = [NO_COOKIE if "cookie" in reason else OLD_FORM]
    return _render(request, 403, "The form was refused", reason.partition(" - ")[0], remedies)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Respond with 403 to a user without the permission; name the role, and say what to do."""
    if not _is_admin(request):
        return defaults.permission_denied(request, exception)
    if request.user.is_superuser:
        return refused(403, "The admin does not permit this", [NO_ROLE_MAY])
    names = ", ".join(roles.names(request.user))
    role = f"with the role {names}" if names else "without a role"
    who = f"You are logged in as {request.user.get_username()}, {role}."
    return refused(403, "Your role does not permit this", [who, ASK_FOR_A_ROLE])


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Respond with 404; say which row does not exist, if that is the cause."""
    if not _is_admin(request):
        return defaults.page_not_found(request, exception)
    # The reason from Django's URL resolver is a dictionary of the patterns that it tried.
    reason = str(exception) if isinstance(exception, Http404) else ""
    return refused(404, "Not found", [reason if reason.endswith(".") else "", SEARCH])


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Respond with 500, and with the request ID of the log lines about the error."""
    if not _is_admin(request):
        return defaults.server_error(request)
    return refused(500, "This page failed", [f"{REPORT} {logs.ids().get('request_id', '-')}."])


def _is_admin(request: HttpRequest) -> bool:
    return request.path.startswith("/admin/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Respond with 400; explain it in the admin, and wherever the Host header is the cause."""
    if not isinstance(exception, DisallowedHost):
        if not _is_admin(request):
            return defaults.bad_request(request, exception)
        said = str(exception) if isinstance(exception, BadRequest) else PARAMETERS
        return refused(400, "This request is not valid", [said])
    host = request.headers.get("Host", "")[:MAX_SHOWN]
    remedies = [
        f"If {host} is an address of this service, add it to DJANGO_ALLOWED_HOSTS and restart web."
        " A name may contain only letters, digits, dots and hyphens.",
        f"Otherwise it may be the internal name that a proxy uses for web. {KEEP_HOST}",
    ]
    return _render(request, 400, "This host is not served", "Host checking failed", remedies)


def _origin_remedies(request: HttpRequest) -> list[str]:
    """Return what to do about a form whose Origin (or Referer, if none) is not trusted."""
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    try:
        parts = urlsplit(origin[:MAX_SHOWN])
    except ValueError:
        parts = urlsplit("")
    if not parts.netloc:
        return [WITHHELD]
    if parts.scheme == "https":
        return [ADD_HOST.format(host=parts.netloc.removesuffix(":443"))]
    return [KEEP_HOST, "Or open the admin over https."]


def _render(
    request: HttpRequest, status: int, title: str, reason: str, remedies: list[str]
) -> HttpResponse:
    seen = {name: request.headers.get(name, "")[:MAX_SHOWN] for name in SEEN}
    return refused(status, title, remedies, seen=seen, reason=reason)


def refused(status: int, title: str, remedies: list[str], **context: Any) -> HttpResponse:
    """Return an error page with this status, and a paragraph for each remedy."""
    whole = {
        "site_title": admin.site.site_title,
        "site_header": admin.site.site_header,
        "title": title,
        "remedies": remedies,
        **context,
    }
    page = render_to_string("admin/mediapipe/refused.html", whole)
    return HttpResponse(page, status=status, headers={"Cache-Control": "private, no-store"})
