"""Misconfiguration is said at the start, with the name of the variable, and not found later."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from mediapipe.models import Channel
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.providers.twilio.media import is_media_service, is_twilio

ORIGIN = re.compile(r"https?://[^\s/?#@]+")


@register("mediapipe")
def twilio_credentials(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Without a token no webhook can be verified, so none would be taken in."""
    try:
        known = accounts().values()
    except ImproperlyConfigured as error:
        return [_not_readable(error)]
    if any(account.auth_tokens for account in known):
        return []
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    missing = [name for name in names if not getattr(settings, name)] or ["TWILIO_AUTH_TOKEN"]
    return [
        Error(
            f"No value for {' and '.join(missing)}: no webhook can be verified.",
            hint="Set it in the environment or in .env; both stand on the first page of "
            "Twilio's console. Several accounts go into TWILIO_ACCOUNTS_FILE.",
            id="mediapipe.E001",
        )
    ]


def _not_readable(error: ImproperlyConfigured) -> Error:
    """Accounts that cannot be read would turn every webhook into a 500."""
    return Error(
        str(error),
        hint="TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN go together; TWILIO_ACCOUNTS_FILE is a "
        "JSON list of objects with account_sid and auth_tokens.",
        id="mediapipe.E005",
    )


@register("mediapipe")
def storage_is_writable(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A media folder that cannot be written fails every fetch."""
    if settings.STORAGE_URL:
        return []
    folder = Path(settings.MEDIA_ROOT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return [_not_writable(folder, str(error.strerror))]
    return [] if os.access(folder, os.W_OK) else [_not_writable(folder, "it is read-only")]


def _not_writable(folder: Path, why: str) -> Error:
    return Error(
        f"MEDIA_ROOT {folder} cannot be written: {why}.",
        hint="Give the service's user the right to write there, or set MEDIA_ROOT.",
        id="mediapipe.E002",
    )


@register("mediapipe")
def countdowns_fit_the_broker(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Redis and Valkey deliver a message again when it waits longer than the visibility timeout."""
    timeout_s = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout")
    longest_s = settings.RETRY_FAST_WINDOW_S + settings.MEDIA_TOTAL_TIMEOUT_S
    if timeout_s is None or longest_s < timeout_s:
        return []
    return [
        Error(
            f"RETRY_FAST_WINDOW and MEDIA_TOTAL_TIMEOUT together last {longest_s:.0f} s, but the "
            f"broker delivers a message again after {timeout_s} s.",
            hint="Shorten RETRY_FAST_WINDOW; longer waits belong into RETRY_SLOW_SCHEDULE.",
            id="mediapipe.E003",
        )
    ]


@register("mediapipe")
def api_hosts_are_origins(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """An origin that may be given credentials must be written as one."""
    for number, host in enumerate(settings.TWILIO_API_HOSTS, start=1):
        if not ORIGIN.fullmatch(host):
            # It is not shown, because there may be a password in it.
            return [_no_origin(number)]
    return []


def _no_origin(number: int) -> Error:
    return Error(
        f"TWILIO_API_HOSTS, entry {number}, is no origin.",
        hint="Write scheme, host and port, for example http://127.0.0.1:9701.",
        id="mediapipe.E004",
    )


@register("mediapipe")
def twilio_urls_may_have_credentials(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """What is asked for anywhere else gets no credentials, so that each request would fail."""
    places = [
        ("TWILIO_MCS_URL", is_media_service, "https://mcs.ie1.twilio.com"),
        ("TWILIO_API_URL", is_twilio, "https://api.dublin.ie1.twilio.com"),
    ]
    return [
        Error(
            f"{name} is neither Twilio's nor in TWILIO_API_HOSTS.",
            hint=f"Write for example {example}; name a simulator in both.",
            id="mediapipe.E006",
        )
        for name, is_allowed, example in places
        if not is_allowed(getattr(settings, name))
    ]


@register("mediapipe", deploy=True)
def public_url_is_https(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Twilio signs the public URL; over plain HTTP anybody can read and replay it."""
    if settings.PUBLIC_BASE_URL.startswith("https://"):
        return []
    return [
        Warning(
            "PUBLIC_BASE_URL is not an https:// origin.",
            hint="Set it to the origin that is configured at Twilio.",
            id="mediapipe.W001",
        )
    ]


@register("mediapipe")
def notification_is_complete(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A channel that lacks half of its settings would tell nobody of anything."""
    halves = [
        ("ESCALATION_EMAILS", settings.ESCALATION_EMAILS, "EMAIL_URL", settings.EMAIL_URL),
        (
            "ESCALATION_WEBHOOK_URL",
            settings.ESCALATION_WEBHOOK_URL,
            "ESCALATION_WEBHOOK_SECRET",
            settings.ESCALATION_WEBHOOK_SECRETS,
        ),
        (
            "HANDOFF_WEBHOOK_URL",
            settings.HANDOFF_WEBHOOK_URL,
            "HANDOFF_WEBHOOK_SECRET",
            settings.HANDOFF_WEBHOOK_SECRETS,
        ),
    ]
    told = [_incomplete(name, other) for name, set_, other, needed in halves if set_ and not needed]
    if Channel.configured() and not settings.PUBLIC_BASE_URL:
        told.append(_no_link())
    return told


def _incomplete(name: str, other: str) -> CheckMessage:
    return Error(
        f"{name} is set, but {other} is not: nobody would be told of anything that way.",
        hint=f"Set {other} as well, or neither; docs/configuration.md has an example.",
        id="mediapipe.E006",
    )


def _no_link() -> CheckMessage:
    return Warning(
        "PUBLIC_BASE_URL is not set: messages about incidents cannot link to them.",
        hint="Set it to the origin under which people reach the admin.",
        id="mediapipe.W002",
    )
