from mediapipe.providers import twilio
from mediapipe.providers.base import Provider

# To add a provider, write its package next to twilio/ and name it here. Events and spooled
# webhooks refer to their provider by this name, so it must not change.
PROVIDERS: dict[str, Provider] = {"twilio": twilio}


def get(name: str) -> Provider:
    """Return the provider of this name, or raise KeyError."""
    return PROVIDERS[name]


def is_own_host(host: str) -> bool:
    """Return whether a provider runs this host, and therefore chooses its addresses."""
    return any(provider.is_own_host(host) for provider in PROVIDERS.values())
