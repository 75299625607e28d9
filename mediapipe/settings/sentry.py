from typing import Any

from mediapipe.redaction import redact

# The parts of a request that contain the webhook, cookies or credentials.
PRIVATE = ("data", "query_string", "cookies", "headers", "env")


def configure(dsn: str, **options: Any) -> None:
    """Report unexpected exceptions of this process to this DSN; `options` are sentry_sdk's."""
    import sentry_sdk

    sentry_sdk.init(
        dsn,
        # By default the SDK omits what it knows to be personal data. Local variables and log
        # records are not on its list, but contain webhooks and signed links.
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        before_send=scrub_event,
        **options,
    )


def scrub_event(event: Any, hint: Any) -> Any:
    """Return the event without request contents, addresses of people and the secrets of URLs."""
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
