"""Exceptions reported to Sentry, without anything that is nobody else's business."""

import re
from typing import Any

# What follows the ? of a signed link opens the media; SIDs and request ids open nothing.
QUERY = re.compile(r"(https?://[^\s\"'<>?]+)\?[^\s\"'<>]+")
PHONE = re.compile(r"\+\d{7,15}\b")
# All that a request has and that a report does without.
PRIVATE = ("data", "query_string", "cookies", "headers", "env")


def configure(dsn: str, **options: Any) -> None:
    """Send unexpected exceptions of this process to this DSN; `options` are sentry_sdk's."""
    import sentry_sdk

    sentry_sdk.init(
        dsn,
        # By itself it sends nothing that it knows for personal. These hold webhooks and links all
        # the same: the variables of each frame, and what was logged before.
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        before_send=scrubbed,
        **options,
    )


def scrubbed(event: Any, hint: Any) -> Any:
    """Return the event without requests' contents, phone numbers and what signs a link."""
    request = event.get("request", {})
    for name in PRIVATE:
        request.pop(name, None)
    event.pop("user", None)
    return _cleaned(event)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return PHONE.sub("+…", QUERY.sub(r"\1?…", value))
    if isinstance(value, dict):
        return {name: _cleaned(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(part) for part in value]
    return value
