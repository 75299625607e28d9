from __future__ import annotations

from dataclasses import dataclass

from mediapipe.models import RouteKind, Verdict
from mediapipe.operations.routes.urls import has_our_host, has_our_origin, points_here

# The paths of our webhook URLs end in one of these.
SOURCES = ("messaging", "recording", "conversations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A number, service or sender at Twilio, and the webhook URL that is configured there.

    Twilio calls the URL of a number's messaging `service` or TwiML `application` instead of its
    own. `is_unread` means that the URL could not be read. With `defers` a service leaves the
    webhooks to its numbers, or to its account.
    """

    kind: RouteKind
    sid: str
    name: str
    url: str = ""
    method: str = ""
    fallback: str = ""
    is_unread: bool = False
    defers: bool = False
    service: Route | None = None
    application: Route | None = None

    @property
    def source(self) -> str:
        """Which of our URLs the webhooks belong to."""
        return "conversations" if self.kind is RouteKind.CONVERSATIONS else "messaging"

    @property
    def called(self) -> Route:
        """The route whose URL Twilio calls: messaging service, TwiML application, or this one."""
        return self.service or self.application or self

    @property
    def verdict(self) -> Verdict:
        """Whether what Twilio calls is our endpoint for these webhooks, and if not, why."""
        if self.defers:
            return Verdict.DEFERS
        called = self.called
        if called.is_unread:
            return Verdict.APPLICATION
        if not called.url:
            return Verdict.NO_URL
        if not has_our_host(called.url):
            return Verdict.ELSEWHERE
        if not has_our_origin(called.url):
            return Verdict.WRONG_ORIGIN
        if points_here(called.url, self.source):
            return Verdict.HERE_BY_GET if called.method == "GET" else Verdict.HERE
        ours = any(points_here(called.url, other) for other in SOURCES)
        return Verdict.WRONG_KIND if ours else Verdict.WRONG_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationsRoute(Route):
    """The Conversations (classic) webhook of an account or of one of its services.

    Twilio calls `url` after the `events`, and `pre_event_url` before them.
    """

    events: frozenset[str] = frozenset()
    pre_event_url: str = ""
