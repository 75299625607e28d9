import re
from collections.abc import Mapping
from typing import Any

from mediapipe.redaction import redact

# The parts of a request that contain the webhook, cookies or credentials.
PRIVATE = ("data", "query_string", "cookies", "headers", "env")


def configure(dsn: str, schedule: Mapping[str, Mapping[str, Any]], **options: Any) -> None:
    """Report unexpected exceptions of this process, and the runs of beat's tasks, to this DSN.

    `schedule` is CELERY_BEAT_SCHEDULE, `options` are sentry_sdk's.
    """
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration

    # Sentry Crons supports only whole minutes, and the SDK warns of others at each run.
    others = [name for name, entry in schedule.items() if entry["schedule"] % 60]
    celery = CeleryIntegration(
        monitor_beat_tasks=True, exclude_beat_tasks=[re.escape(name) for name in others]
    )
    sentry_sdk.init(
        dsn,
        integrations=[celery],
        # By default the SDK omits what it knows to be personal data. Local variables and log
        # records are not on its list, but contain webhooks and signed links.
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        before_send=scrub_event,
        **options,
    )


def scrub_event(event: Any, hint: Any) -> Any:
    """Return the event without request contents, people's addresses and secrets in URLs."""
    request = event.get("request", {})
    for name in PRIVATE:
        request.pop(name, None)
    event.pop("user", None)
    return _redact_all(event)


def _redact_all(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _redact_all(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_all(part) for part in value]
    return value
