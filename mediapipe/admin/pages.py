from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from mediapipe.admin.search import SearchQuery
from mediapipe.admin.text import account_name, plain
from mediapipe.redaction import mask_address, mask_addresses
from mediapipe.timing.period import IN_WORDS, InvalidPeriod, parse_time

View = Callable[..., HttpResponseBase]
# One filter with several parameters needs a label for each.
BOUNDS = {"since": "received since", "until": "received before"}
ACCOUNT = "account_sid__exact"


@dataclass(frozen=True, slots=True)
class AdminPage:
    """A registered view. Without a title it is not in the navigation (downloads, form steps)."""

    path: str
    name: str
    title: str
    permission: str
    view: View


PAGES: list[AdminPage] = []


def page(
    path: str, *, name: str, title: str = "", permission: str = "mediapipe.view_mediaitem"
) -> Callable[[View], View]:
    """Register a view at /admin/<path> under the name `admin:<name>`.

    Users without the permission get a 403. The module must be imported in admin/__init__.py.
    """

    def register(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        PAGES.append(AdminPage(path, name, title, permission, guarded))
        return guarded

    return register


def render_page(
    request: HttpRequest, template: str, *, title: str, **context: Any
) -> TemplateResponse:
    """Render a template of templates/admin/mediapipe/ in the admin's frame."""
    request.current_app = admin.site.name
    shared = admin.site.each_context(request)
    return TemplateResponse(
        request, f"admin/mediapipe/{template}", {**shared, "title": title, **context}
    )


def not_posted(request: HttpRequest, to: str, *args: Any) -> HttpResponse:
    """Redirect a GET of a step to the page `to`, with a message that nothing was done.

    A browser sends one after the login, if the session expired before a button was pressed.
    """
    messages.warning(request, "Nothing was changed yet: press the button again.")
    return redirect(to, *args)


def filtered_rows_with_label(
    model_admin: admin.ModelAdmin[Model], request: HttpRequest
) -> tuple[Any, str]:
    """Return all rows that match the list's filters, and a description of the filters.

    Raise BadRequest for filters that the list does not have.
    """
    try:
        changelist = model_admin.get_changelist_instance(request)
        rows = changelist.get_queryset(request)
    except IncorrectLookupParameters as error:
        message = "The filters in this URL are invalid. Go back to the list and set them again."
        raise BadRequest(message) from error
    given = [
        _filter_label(name, str(spec.title), request.GET[name])
        for spec in changelist.filter_specs
        for name in spec.expected_parameters()
        if name and request.GET.get(name)
    ]
    if typed := request.GET.get(SEARCH_VAR):
        # The label is logged, and more people read the log than may see phone numbers.
        mask = mask_address if SearchQuery.parse(typed).addresses else mask_addresses
        given.append(f"search {mask(typed)}")
    return rows, plain(", ".join(given)) or "all media items"


def _filter_label(name: str, title: str, value: str) -> str:
    if name == "period":
        return f"received {IN_WORDS.get(value, value)}"
    if name in BOUNDS:
        return f"{BOUNDS[name]} {_moment(value)}"
    return f"{title} {account_name(value) if name == ACCOUNT else value}"


def _moment(value: str) -> str:
    try:
        # With the time zone, because jobs and the audit log keep the label.
        return f"{timezone.localtime(parse_time(value)):%Y-%m-%d %H:%M:%S %Z}"
    except InvalidPeriod:
        return value
