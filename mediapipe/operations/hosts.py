from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def any_host(view: View) -> View:
    """Serve this view under any Host header, even one that is missing or malformed.

    Probes and Prometheus send the address that they connect to, and some proxies the name of
    their upstream. The view must not build a URL from the header.
    """
    view.any_host = True  # type: ignore[attr-defined]
    return view


class HostCheck(CommonMiddleware):
    """Django's middleware, with a check of the Host header that skips views marked with `any_host`.

    Django checks the header before the view is known; this waits until it is.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Leave the check to process_view."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Raise DisallowedHost, which is a 400, if the view is not served under this host."""
        return None if hasattr(view, "any_host") else super().process_request(request)
