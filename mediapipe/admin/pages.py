"""Pages of our own in the admin: how one is made known, guarded and drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Page:
    """A view of ours: where it is, what it is called, and which permission it needs.

    One without a title is not in the navigation: a download, a step of a form.
    """

    path: str
    name: str
    title: str
    permission: str
    view: View


PAGES: list[Page] = []


def page(
    path: str, *, name: str, title: str = "", permission: str = "mediapipe.view_mediaitem"
) -> Callable[[View], View]:
    """Make a view known to the admin, at /admin/<path> and as `admin:<name>`.

    Who lacks the permission is answered 403. The module must be imported in admin/__init__.py.
    """

    def known(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        PAGES.append(Page(path, name, title, permission, guarded))
        return guarded

    return known


def render_page(
    request: HttpRequest, template: str, *, title: str, **context: Any
) -> TemplateResponse:
    """Return a page below templates/admin/mediapipe/ with the admin's own frame around it."""
    request.current_app = admin.site.name
    shared = admin.site.each_context(request)
    return TemplateResponse(
        request, f"admin/mediapipe/{template}", {**shared, "title": title, **context}
    )
