"""System checks of GATEWAY_FILE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from mediapipe.gateway.entries import Entry, entries
from mediapipe.providers.base import PostStorePolicy
from mediapipe.providers.twilio.accounts import accounts

# An app that fetches media itself needs it at Twilio for as long as deliveries are retried.
LEAST_DELETE_AFTER_S = 86400.0
LONGEST_BUDGET_S = 14.0


@register("mediapipe")
def gateway_entries(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    # With entries that cannot be parsed, webhooks are only spooled.
    try:
        found = entries()
    except ImproperlyConfigured as error:
        hint = "docs/gateway.md has an example."
        return [Error(str(error), hint=hint, id="mediapipe.E012")]
    return [*_accounts_with_token(found), *_media_stays_at_twilio(found)]


@register("mediapipe")
def gateway_budget(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if 0 < settings.GATEWAY_BUDGET_S <= LONGEST_BUDGET_S:
        return []
    return [
        Error(
            f"GATEWAY_BUDGET is {settings.GATEWAY_BUDGET_S:.0f} s, and Twilio waits 15 s.",
            hint="Write for example GATEWAY_BUDGET=12s; at most 14s.",
            id="mediapipe.E013",
        )
    ]


def _accounts_with_token(found: Sequence[Entry]) -> list[CheckMessage]:
    try:
        known = accounts()
    except ImproperlyConfigured:
        # Another check reports this.
        return []
    return [
        Error(
            f"GATEWAY_FILE ({settings.GATEWAY_FILE}): {entry.name} names the account {sid}, which"
            " has no auth token: none of its webhooks can be verified or signed.",
            hint="Add the account to TWILIO_ACCOUNTS_FILE with its auth_tokens, or remove it.",
            id="mediapipe.E014",
        )
        for entry in found
        for sid in entry.accounts
        if sid not in known or not known[sid].auth_tokens
    ]


def _media_stays_at_twilio(found: Sequence[Entry]) -> list[CheckMessage]:
    try:
        known = accounts().values()
    except ImproperlyConfigured:
        return []
    deleting = [each.sid for each in known if each.after_storing == PostStorePolicy.DELETE]
    fetching = [each.name for each in found if _any_in(deleting, each)]
    if not fetching or settings.TWILIO_DELETE_AFTER_S >= LEAST_DELETE_AFTER_S:
        return []
    return [
        Error(
            "Media is deleted at Twilio before an app that was down could fetch it:"
            f" {', '.join(fetching)}.",
            hint="Set TWILIO_DELETE_AFTER=1d or longer. An app that stores the URLs of media"
            " instead of fetching it needs TWILIO_AFTER_STORING=keep.",
            id="mediapipe.E015",
        )
    ]


def _any_in(account_sids: Sequence[str], entry: Entry) -> bool:
    return any(not entry.accounts or sid in entry.accounts for sid in account_sids)
