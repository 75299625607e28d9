"""The providers whose webhooks are taken in, by name."""

from mediapipe.providers.base import Provider
from mediapipe.providers.twilio import Twilio

_PROVIDERS: dict[str, Provider] = {Twilio.name: Twilio()}


def get(name: str) -> Provider:
    """Return the provider of this name, or raise KeyError."""
    return _PROVIDERS[name]


def names() -> list[str]:
    """Return the names of all providers."""
    return list(_PROVIDERS)
