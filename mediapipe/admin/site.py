from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from mediapipe.admin.login import LoginForm, OwnPasswordForm
from mediapipe.admin.navigation import navigation
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
        """Return the context of every page of the admin."""
        context = super().each_context(request)
        ours: dict[str, Any] = {
            "version": settings.VERSION,
            "time_zone": settings.TIME_ZONE,
            "docs_url": settings.DOCS_URL,
        }
        if self.has_permission(request):
            ours["available_apps"] = navigation(request, context["available_apps"])
        return {**context, **ours}

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show or process the login form; remember the browser of a user who logs in."""
        response = super().login(request, extra_context)
        # Only a redirect proves that the password was right: request.user may have been logged in
        # before, and a new cookie for each wrong guess would start a new count of failures.
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            remember_browser(response, request.user.get_username())
        return response

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Log out; after a company login the page links to the logout of the identity proxy."""
        more = {"remote_logout_url": settings.REMOTE_LOGOUT_URL, **(extra_context or {})}
        return super().logout(request, more)

    def password_change(  # type: ignore[override]  # Django's redirects as well, after the change
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show or process the form for one's own password; Django has no option for its class."""
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().index(request, {**overview(request), **(extra_context or {})})

    def app_index(  # type: ignore[override]  # Django's renders a template
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the overview, whose navigation has all lists, in groups that are not apps."""
        return redirect("admin:index")
