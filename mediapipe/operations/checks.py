"""Django system checks: they report misconfiguration at the start, by the variable's name."""

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

from mediapipe.fetching.limits import (
    LONGEST_CALL_BYTES,
    RECORDING_BYTES_PER_S,
    largest_bytes,
)
from mediapipe.models import Channel
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.providers.twilio.media import is_media_service, is_twilio
from mediapipe.settings.network import CA_VARIABLES, PROXY_VARIABLES

ORIGIN = re.compile(r"https?://[^\s/?#@]+")


@register("mediapipe")
def twilio_credentials(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    # Accounts that cannot be parsed would turn every webhook into a 500.
    try:
        known = accounts().values()
    except ImproperlyConfigured as error:
        return [
            Error(
                str(error),
                hint="TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN go together; TWILIO_ACCOUNTS_FILE "
                "is a JSON list of objects with account_sid and auth_tokens.",
                id="mediapipe.E005",
            )
        ]
    if any(account.auth_tokens for account in known):
        return []
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    missing = [name for name in names if not getattr(settings, name)] or ["TWILIO_AUTH_TOKEN"]
    return [
        Error(
            f"No value for {' and '.join(missing)}: no webhook can be verified.",
            hint="Set it in the environment or in .env; both are on the home page of the "
            "Twilio Console. Several accounts go into TWILIO_ACCOUNTS_FILE.",
            id="mediapipe.E001",
        )
    ]


@register("mediapipe")
def storage_is_writable(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.STORAGE_URL:
        return []
    folder = Path(settings.MEDIA_ROOT)
    reason = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = str(error.strerror)
    else:
        if not os.access(folder, os.W_OK):
            reason = "it is read-only"
    if not reason:
        return []
    return [
        Error(
            f"MEDIA_ROOT {folder} cannot be written: {reason}.",
            hint="Give the service's user write permission there, or set MEDIA_ROOT.",
            id="mediapipe.E002",
        )
    ]


@register("mediapipe")
def countdowns_fit_the_broker(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    # Redis and Valkey redeliver a message that is not acknowledged within the visibility timeout,
    # and a worker acknowledges one with a countdown only after its task. A recording larger than
    # MEDIA_MAX_BYTES may take longer: because of its lease the second delivery claims nothing.
    timeout_s = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout")
    longest_s = settings.RETRY_FAST_WINDOW_S + settings.MEDIA_TOTAL_TIMEOUT_S
    if timeout_s is None or longest_s < timeout_s:
        return []
    return [
        Error(
            f"RETRY_FAST_WINDOW and MEDIA_TOTAL_TIMEOUT together are {longest_s:.0f} s, but the "
            f"broker delivers a message again after {timeout_s} s.",
            hint="Shorten RETRY_FAST_WINDOW; longer delays belong in RETRY_SLOW_SCHEDULE.",
            id="mediapipe.E003",
        )
    ]


@register("mediapipe")
def long_recordings_are_accepted(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    limit = largest_bytes()
    if limit >= LONGEST_CALL_BYTES:
        return []
    minutes = limit // (2 * RECORDING_BYTES_PER_S * 60)
    return [
        Warning(
            f"Recordings of two channels that are longer than {minutes} minutes will fail as "
            "too_large.",
            hint="Twilio ends a call after four hours by default: set MEDIA_MAX_RECORDING_BYTES to "
            f"{LONGEST_CALL_BYTES} or more, or silence this warning.",
            id="mediapipe.W009",
        )
    ]


@register("mediapipe")
def api_hosts_are_origins(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    # The number instead of the value, which may contain a password.
    return [
        Error(
            f"TWILIO_API_HOSTS, entry {number}, is not an origin.",
            hint="Write scheme, host and port, for example http://127.0.0.1:9701.",
            id="mediapipe.E004",
        )
        for number, host in enumerate(settings.TWILIO_API_HOSTS, start=1)
        if not ORIGIN.fullmatch(host)
    ]


@register("mediapipe")
def twilio_urls_may_have_credentials(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    # Requests to any other host are sent without credentials, so each of them would fail.
    urls = [
        ("TWILIO_MCS_URL", is_media_service, "https://mcs.ie1.twilio.com"),
        ("TWILIO_API_URL", is_twilio, "https://api.dublin.ie1.twilio.com"),
    ]
    return [
        Error(
            f"{name} is neither Twilio's nor in TWILIO_API_HOSTS.",
            hint=f"Write for example {example}; list a simulator in both.",
            id="mediapipe.E006",
        )
        for name, is_allowed, example in urls
        if not is_allowed(getattr(settings, name))
    ]


@register("mediapipe", deploy=True)
def public_url_is_https(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    # Twilio signs the URL that it calls; over plain HTTP anyone on the path can replay the request.
    urls = (settings.PUBLIC_BASE_URL, *settings.OTHER_BASE_URLS)
    if all(url.startswith("https://") for url in urls):
        return []
    return [
        Warning(
            "PUBLIC_BASE_URL is not an https:// origin.",
            hint="Set it to the origin that is configured at Twilio; of several, each needs TLS.",
            id="mediapipe.W001",
        )
    ]


@register("mediapipe", deploy=True)
def monitoring_needs_a_token(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.MONITORING_TOKEN or not settings.PUBLIC_BASE_URL.startswith("https://"):
        return []
    return [
        Warning(
            "/metrics and /readyz are open to every client that the proxy lets through.",
            hint="Set MONITORING_TOKEN to the output of: openssl rand -hex 32, and give it to "
            "Prometheus as credentials; see docs/operating.md.",
            id="mediapipe.W010",
        )
    ]


@register("mediapipe")
def outgoing_settings_are_complete(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    pairs = [
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
    messages: list[CheckMessage] = [
        Error(
            f"{name} is set, but {required} is not: nothing would be sent that way.",
            hint=f"Set {required} as well, or neither; docs/configuration.md has an example.",
            id="mediapipe.E007",
        )
        for name, value, required, required_value in pairs
        if value and not required_value
    ]
    if Channel.configured() and not settings.PUBLIC_BASE_URL:
        messages.append(
            Warning(
                "PUBLIC_BASE_URL is not set: notifications of incidents cannot link to them.",
                hint="Set it to the origin at which the admin is reached.",
                id="mediapipe.W002",
            )
        )
    return messages


@register("mediapipe")
def company_login_is_complete(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if not settings.REMOTE_USER_HEADER:
        return []
    messages: list[CheckMessage] = []
    if settings.REMOTE_GROUPS_HEADER.lower() in {"", settings.REMOTE_USER_HEADER.lower()}:
        messages.append(
            Error(
                "REMOTE_USER_HEADER is set, but REMOTE_GROUPS_HEADER names no other header: no "
                "user would have a role.",
                hint="Set it to the header in which the identity proxy sends the user's groups, "
                "for example REMOTE_GROUPS_HEADER=X-Forwarded-Groups.",
                id="mediapipe.E010",
            )
        )
    if any(network.prefixlen == 0 for network in settings.TRUSTED_PROXIES):
        messages.append(
            Error(
                "TRUSTED_PROXIES includes every address: any client that reaches web could log in "
                "as any user.",
                hint="List the addresses of the identity proxy, for example "
                "TRUSTED_PROXIES=10.1.2.3.",
                id="mediapipe.E011",
            )
        )
    return messages


@register("mediapipe")
def no_other_variable_is_mistaken_for_the_way_out(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    ways = [
        ("MEDIA_PROXY", settings.MEDIA_PROXY, PROXY_VARIABLES),
        ("MEDIA_CA_FILE", settings.MEDIA_CA_CERTIFICATES, CA_VARIABLES),
    ]
    messages: list[CheckMessage] = []
    for name, value, variables in ways:
        # Most programs read the names of proxies in lower case as well.
        found = [each for each in variables if _is_set(each) or _is_set(each.lower())]
        if found and not value:
            messages.append(
                Warning(
                    "Set, but not used for requests to Twilio, its CDN and the receivers of "
                    f"hand-offs and notifications: {', '.join(found)}.",
                    hint=f"If they need it, set {name}; see docs/deploying.md.",
                    id="mediapipe.W003",
                )
            )
    return messages


def _is_set(name: str) -> bool:
    return bool(os.environ.get(name))
