"""Django's admin site with our own pages beside the lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from mediapipe.admin.overview import overview
from mediapipe.admin.pages import PAGES


class MediaAdminSite(admin.AdminSite):
    """The default site; `/admin/` is the overview, also under the name `admin:overview`."""

    site_header = "Twilio media"
    site_title = "Twilio media"
    # There is no other site to view.
    site_url = None
    index_title = "What arrived, what is stored, what failed"
    index_template = "admin/mediapipe/overview.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Put our own pages before Django's, the last of which takes whatever is left."""
        ours = [path(page.path, self.admin_view(page.view), name=page.name) for page in PAGES]
        return [path("", self.admin_view(self.index), name="overview"), *ours, *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the lists as Django does, after our own pages in the words of its templates."""
        apps: list[Any] = super().get_app_list(request, app_label)
        if app_label or not self.has_permission(request):
            return apps
        # What the service is about before who may log in to it.
        apps.sort(key=lambda app: app["app_label"] != "mediapipe")
        return [self._dashboard(request), *apps]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Answer with the overview."""
        shown = {"shortcuts": _entries(request), **overview(request)}
        return super().index(request, {**shown, **(extra_context or {})})

    def _dashboard(self, request: HttpRequest) -> dict[str, Any]:
        # Django marks what the path of a page begins with, which is true of the first page always.
        first = f"{reverse('admin:index')}#content-start"
        return {
            "name": "Dashboard",
            "app_label": "dashboard",
            "app_url": first,
            "has_module_perms": True,
            "models": [_entry("overview", "Overview", first), *_entries(request)],
        }


def _entries(request: HttpRequest) -> list[dict[str, Any]]:
    seen = [page for page in PAGES if page.title and request.user.has_perm(page.permission)]
    return [_entry(page.name, page.title, reverse(f"admin:{page.name}")) for page in seen]


def _entry(name: str, title: str, url: str) -> dict[str, Any]:
    return {
        "name": title,
        "object_name": name,
        "admin_url": url,
        "add_url": None,
        "view_only": True,
        "perms": {"view": True},
    }
