from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from mediapipe.management.seed_history import accounts, deletions, gateway, hand_offs
from mediapipe.management.seed_history.audit_trail import save_entries
from mediapipe.management.seed_history.incidents import save_incidents
from mediapipe.management.seed_history.jobs import save_jobs
from mediapipe.management.seed_history.webhook_routes import webhook_routes
from mediapipe.models import (
    AccountHealth,
    ApiToken,
    Deletion,
    GatewayApp,
    GatewayDelivery,
    HandOff,
    MediaItem,
    Reconciliation,
    Rejection,
    WebhookRoute,
)

# The number of media items that get such rows, however long the history is.
RECENT = 400
USER = "seeded-engineer"


@transaction.atomic
def save_other_rows(sids: list[str], until: datetime, rng: Random) -> None:
    """Save the rows other than webhooks, media and attempts: a bounded number of each kind.

    `sids` are the accounts. The acting user cannot log in.
    """
    by: Any = get_user_model()._default_manager.create_user(USER, is_active=False)
    media = MediaItem.objects.select_related("event").prefetch_related("event__media")
    recent = list(media.order_by("-received_at", "pk")[:RECENT])[::-1]
    HandOff.objects.bulk_create(hand_offs.hand_offs(recent, until, rng))
    Deletion.objects.bulk_create(deletions.deletions(recent, until, rng))
    events = {item.event_id: item.event for item in recent}
    GatewayApp.objects.bulk_create([gateway.app()])
    GatewayDelivery.objects.bulk_create(gateway.deliveries(list(events.values()), until, rng))
    AccountHealth.objects.bulk_create(accounts.account_health(sids, until))
    Reconciliation.objects.bulk_create(accounts.reconciliations(sids, until, rng))
    Rejection.objects.bulk_create(accounts.rejections(until, rng))
    ApiToken.objects.bulk_create(accounts.api_tokens(sids, until, rng))
    WebhookRoute.objects.bulk_create(webhook_routes(sids[0], until, rng))
    save_incidents(sids, by, until, rng)
    save_jobs(recent, by, until)
    save_entries()
