from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from mediapipe.management.seed_history.arrivals import sid
from mediapipe.models import WebhookRoute
from mediapipe.models.webhook_routes import POINTS_HERE, RouteKind, Verdict

OURS = "https://media.example.com/webhooks/twilio/messaging/"
# The kind, name and URL of each, its verdict, and how many days ago it last pointed here.
ROUTES = (
    (RouteKind.NUMBER, "+15550000001", OURS, Verdict.HERE, 0),
    (RouteKind.NUMBER, "+15550000002", "https://old.example.com/sms", Verdict.ELSEWHERE, 2),
    (RouteKind.NUMBER, "+15550000003", "", Verdict.NO_URL, None),
    (RouteKind.SENDER, "whatsapp:+15550000001", OURS, Verdict.HERE, 0),
)


def webhook_routes(account_sid: str, until: datetime, rng: Random) -> Iterator[WebhookRoute]:
    """Yield numbers and a sender of this account that point here, elsewhere, or have no URL."""
    for kind, name, url, verdict, days in ROUTES:
        yield WebhookRoute(
            account_sid=account_sid,
            kind=kind,
            sid=sid("PN" if kind == RouteKind.NUMBER else "XE", rng),
            name=name,
            url=url,
            method="POST" if verdict in POINTS_HERE else "",
            verdict=verdict,
            checked_at=until,
            pointed_here_at=None if days is None else until - timedelta(days=days),
        )
