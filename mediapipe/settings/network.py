"""Outgoing connections: a proxy, and certificate authorities besides the usual ones."""

import ssl
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from mediapipe.fetching.http.proxy import Proxy, parse
from mediapipe.settings.values import text

# Other HTTP clients read these variables. Ours do not: one that a shell or a base image happens to
# set would decide through which proxy and to which server credentials are sent.
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def proxy(env: Env, name: str) -> Proxy | None:
    """Return the proxy at an http:// URL, or None; the error does not show its password."""
    url = text(env, name)
    if not url:
        return None
    try:
        return parse(url)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is not the URL of an HTTP proxy; write for example "
            f"{name}=http://proxy.example.com:3128 or {name}=http://user:password@10.0.0.1:8080, "
            "with %40 for an @ and %2F for a / in the password. https:// and socks:// proxies are "
            "not supported; connections through an http:// proxy are still encrypted end to end."
        ) from None


def ca_certificates(env: Env, name: str) -> str:
    """Return the text of a PEM file, "" if none is named; raise ImproperlyConfigured."""
    path = text(env, name)
    if not path:
        return ""
    try:
        # Comments beside the certificates may be in any encoding.
        certificates = Path(path).read_text("ascii", errors="ignore")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError):
        reason = "it has no valid certificate in PEM format"
    except OSError as error:
        reason = str(error.strerror)
    else:
        return certificates
    raise ImproperlyConfigured(
        f"{name} names {path}: {reason}. Write for example {name}=/etc/ssl/company-ca.pem."
    )
