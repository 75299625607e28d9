import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from mediapipe.settings.values import listed, text

# What Django accepts in a Host header, but no leading or trailing dot, which it treats specially.
HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
# An entry of DJANGO_ALLOWED_HOSTS: a host, a domain with its subdomains or *, and maybe a port.
ENTRY = re.compile(rf"(?P<host>\*|\.?(?:{HOST.pattern}))(?::(?P<port>[0-9]{{1,5}}))?")
# Web servers drop headers with underscores: both spellings would become the same WSGI variable.
HEADER_NAME = re.compile("[A-Za-z][A-Za-z0-9-]*")
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65535
# Django's own generator makes 50 characters.
MIN_SECRET_LENGTH = 32
MONITORING_TOKEN = re.compile(rf"[!-~]{{{MIN_SECRET_LENGTH},200}}")


def secret_key(env: Env, name: str, path: Path) -> str:
    """Return the key in this variable, or else the one kept in this file.

    Raise ImproperlyConfigured if it is so short that it can be guessed from a signed cookie.
    """
    key = text(env, name)
    if key and len(key) < MIN_SECRET_LENGTH:
        raise ImproperlyConfigured(
            f"{name} has {len(key)} characters, and needs at least {MIN_SECRET_LENGTH}; write for "
            "example the output of: openssl rand -base64 48. Without it a key is generated."
        )
    return key or _kept_secret(path)


def monitoring_token(env: Env, name: str) -> str:
    """Return a bearer token, or "".

    Raise ImproperlyConfigured if it can be guessed or does not fit into a header.
    """
    token = text(env, name)
    if token and not MONITORING_TOKEN.fullmatch(token):
        raise ImproperlyConfigured(
            f"{name} is not a token of at least {MIN_SECRET_LENGTH} letters, digits and "
            "punctuation marks without spaces; write for example the output of: "
            "openssl rand -hex 32."
        )
    return token


def _kept_secret(path: Path) -> str:
    """Return the secret in this file; on the first run create it, readable by its owner only."""
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            # If several processes start together, one creates it and none sees it half written.
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()


def base_urls(env: Env, name: str) -> list[str]:
    """Return comma-separated origins without trailing slashes; each may have a user:password@."""
    urls = [url.rstrip("/") for url in listed(env, name)]
    for number, url in enumerate(urls, start=1):
        if fault := _fault(url):
            # The value is not shown: it may contain a password.
            raise ImproperlyConfigured(
                f"{name} is not a list of origins: entry {number} {fault}; write for example "
                f"{name}=https://media.example.com,https://old.example.com."
            )
    return urls


def _fault(url: str) -> str:
    """Return why a URL is not an origin, as the end of a sentence, or ""."""
    try:
        parts = urlsplit(url)
        is_http = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_http = False
    if not is_http:
        return "is not an http or https URL"
    if parts.path or parts.query or parts.fragment:
        # The admin's links and redirects, and the URLs at Twilio, begin at the root.
        return "has a path, but the service works only at the root of a host of its own"
    if not HOST.fullmatch(_host(parts)):
        return "has a host that is neither a name in ASCII nor an address"
    return ""


def hosts(env: Env, name: str) -> list[str]:
    """Return comma-separated hosts, each with an optional port: a name, an address, .name or *."""
    entries = [entry.lower() for entry in listed(env, name)]
    for number, entry in enumerate(entries, start=1):
        parts = ENTRY.fullmatch(entry)
        if not parts or not 0 < int(parts["port"] or 443) <= MAX_PORT:
            raise ImproperlyConfigured(
                f"{name} is not a list of hosts: entry {number} is neither a name nor an address; "
                f"write for example {name}=mediapipe.corp,10.1.2.3,mediapipe.corp:8443, without "
                "a scheme or path. A name has letters, digits, dots and hyphens only."
            )
    return entries


def allowed_hosts(entries: list[str], urls: list[str]) -> list[str]:
    """Return ALLOWED_HOSTS: those of the entries and URLs, and this machine."""
    named = [parts["host"] for parts in map(ENTRY.fullmatch, entries) if parts]
    public = [_host(urlsplit(url)) for url in urls]
    return [*named, *public, "localhost", "127.0.0.1", "[::1]"]


def https_origins(entries: list[str]) -> list[str]:
    """Return the https origins of the entries that name one host.

    Entries for a whole domain or for any host are left out: they may cover hosts of other people.
    """
    return [origin(f"https://{entry}") for entry in entries if not entry.startswith(("*", "."))]


def origin(url: str) -> str:
    """Return scheme://host[:port] of a URL as browsers write it, without user and password."""
    parts = urlsplit(url)
    is_default = parts.port in {None, DEFAULT_PORTS[parts.scheme]}
    return f"{parts.scheme}://{_host(parts)}" + ("" if is_default else f":{parts.port}")


def _host(parts: SplitResult) -> str:
    """Return the host in lower case, with the brackets of an IPv6 address."""
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def local_url(bind: str) -> str:
    """Return the URL at which this machine reaches a server that listens at host:port."""
    host, _, port = bind.rpartition(":")
    # These mean every address of the machine.
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{host}:{port}"


def header_name(env: Env, name: str) -> str:
    """Return the name of a request header, or ""."""
    header = text(env, name)
    if header and not HEADER_NAME.fullmatch(header):
        raise ImproperlyConfigured(
            f"{name} is not the name of a header: letters, digits and hyphens, without underscores;"
            f" write for example {name}=X-Forwarded-User."
        )
    return header


def logout_url(env: Env, name: str) -> str:
    """Return a path or an https URL, or ""."""
    url = text(env, name)
    if url and not url.startswith(("/", "https://")):
        raise ImproperlyConfigured(
            f"{name} is neither a path nor an https URL; write for example {name}=/oauth2/sign_out."
        )
    return url
