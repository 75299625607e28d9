"""Settings of e-mail and outgoing webhooks; an error shows neither an address nor a secret."""

import ipaddress
from contextlib import suppress
from email.utils import parseaddr
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from django import VERSION
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from environ import Env

from mediapipe.fetching.http.redirects import UNAMBIGUOUS
from mediapipe.settings.signing_keys import check_secret
from mediapipe.settings.values import listed, text

# Without `smtps`, which means implicit TLS to some and STARTTLS to others.
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "consolemail": None}
# For the connection, and for each response of the mail server.
MAIL_TIMEOUT_S = 10
# Before Django 6.1, which deprecates these, each option of a mail server was a setting.
OLD_MAIL_NAMES = {
    "host": "EMAIL_HOST",
    "port": "EMAIL_PORT",
    "username": "EMAIL_HOST_USER",
    "password": "EMAIL_HOST_PASSWORD",
    "use_tls": "EMAIL_USE_TLS",
    "use_ssl": "EMAIL_USE_SSL",
    "timeout": "EMAIL_TIMEOUT",
}


def addresses(env: Env, name: str) -> list[str]:
    """Return comma-separated e-mail addresses."""
    found = listed(env, name)
    for number, address in enumerate(found, start=1):
        if not _is_address(address):
            raise ImproperlyConfigured(
                f"{name}, entry {number}, is not an e-mail address; write for example "
                f"{name}=ann@example.com,bob@example.com."
            )
    return found


def sender(env: Env, name: str, public_base_url: str) -> str:
    """Return DEFAULT_FROM_EMAIL, by default an address at the public host."""
    ours = f"mediapipe@{urlsplit(public_base_url).hostname}"
    # An IP address or a bare name, as in development, is not valid in an address.
    value = text(env, name, ours if _is_address(ours) else "mediapipe@localhost")
    _, address = parseaddr(value)
    if not _is_address(address) or "\n" in value:
        raise ImproperlyConfigured(
            f"{name} is not an e-mail address; write for example {name}=mediapipe@example.com."
        )
    return value


def mail_server(env: Env, name: str) -> dict[str, Any]:
    """Return Django's settings for the URL of a mail server; by default it is on this machine."""
    # The original error could quote a part of the password.
    with suppress(ValueError):
        parts = urlsplit(text(env, name, "smtp://localhost"))
        if parts.scheme in MAIL_PORTS and (parts.hostname or parts.scheme == "consolemail"):
            return _mail_settings(parts)
    raise ImproperlyConfigured(
        f"{name} is not the URL of a mail server; write for example "
        f"{name}=smtp+tls://user:password@mail.example.com:587, with %40 for an @ and %2F for a / "
        "in the password, smtp+ssl:// for port 465, or smtp:// without encryption."
    )


def _mail_settings(parts: SplitResult) -> dict[str, Any]:
    if parts.scheme == "consolemail":
        backend, options = "django.core.mail.backends.console.EmailBackend", {}
    else:
        backend, options = "django.core.mail.backends.smtp.EmailBackend", _smtp_options(parts)
    if VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    old = {OLD_MAIL_NAMES[option]: value for option, value in options.items()}
    return {"EMAIL_BACKEND": backend, **old}


def _smtp_options(parts: SplitResult) -> dict[str, Any]:
    return {
        "host": parts.hostname,
        "port": parts.port or MAIL_PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": parts.scheme == "smtp+ssl",
        "timeout": MAIL_TIMEOUT_S,
    }


def receiver(env: Env, name: str) -> str:
    """Return the URL of a receiver, or ""; plain http is allowed for this machine only."""
    url = text(env, name)
    if url and not _may_receive(url):
        raise ImproperlyConfigured(
            f"{name} is not the URL of a webhook; write for example "
            f"{name}=https://alerts.example.com/mediapipe. Plain http is for 127.0.0.1 only."
        )
    return url


def signing_secrets(env: Env, name: str) -> list[str]:
    """Return comma-separated secrets in the format of Standard Webhooks."""
    secrets = listed(env, name)
    for number, secret in enumerate(secrets, start=1):
        try:
            check_secret(secret)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name}, entry {number}: {error} Write {name}=whsec_ followed by the "
                "output of `openssl rand -base64 32`."
            ) from None
    return secrets


def _is_address(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


def _may_receive(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, usable = parts.hostname or "", parts.port != 0
    except ValueError:
        return False
    if not (host and usable and UNAMBIGUOUS.fullmatch(url)) or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
