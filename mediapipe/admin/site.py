from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from mediapipe.admin.login import LoginForm, OwnPasswordForm
from mediapipe.admin.overview import overview
from mediapipe.admin.pages import PAGES
from mediapipe.operations.login_limits import remember_browser


class MediaAdminSite(admin.AdminSite):
    """The default site; `/admin/` is the overview, also under the name `admin:overview`."""

    site_header = "Twilio media"
    site_title = "Twilio media"
    # There is no public site to link to.
    site_url = None
    index_title = "Received, stored and failed media"
    login_form = LoginForm
    index_template = "admin/mediapipe/overview.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Put our own pages before Django's, whose last URL is a catch-all."""
        ours = [path(page.path, self.admin_view(page.view), name=page.name) for page in PAGES]
        return [path("", self.admin_view(self.index), name="overview"), *ours, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page of the admin shows."""
        return {**super().each_context(request), "version": settings.VERSION}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return Django's lists, preceded by our own pages in the same format."""
        apps: list[Any] = super().get_app_list(request, app_label)
        if app_label or not self.has_permission(request):
            return apps
        # The service's own lists before users and groups.
        apps.sort(key=lambda app: app["app_label"] != "mediapipe")
        return [self._dashboard(request), *apps]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show or take the login form; the browser of a user who logged in is remembered."""
        response = super().login(request, extra_context)
        # 302 and not who is logged in: each cookie has a count of its own.
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            remember_browser(response, request.user.get_username())
        return response

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Log out; after a company login the page links to the logout of the identity proxy."""
        more = {"remote_logout_url": settings.REMOTE_LOGOUT_URL, **(extra_context or {})}
        return super().logout(request, more)

    def password_change(  # type: ignore[override]  # Django's redirects too, after the change
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show or take the form in which users change their password; its class cannot be set."""
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        shown = {"shortcuts": _entries(request), **overview(request)}
        return super().index(request, {**shown, **(extra_context or {})})

    def _dashboard(self, request: HttpRequest) -> dict[str, Any]:
        # Django marks an entry as current if the path starts with its URL, which is always true for
        # the index page.
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
