import hashlib
import os
import ssl
import stat
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from mediapipe.settings.values import text

# Linux allows 108 bytes in the path of a unix socket, macOS 104.
MAX_SOCKET_PATH = 100
# A connection can die silently, for example when a firewall drops its state. The two sides of an
# idle one contact each other this often; after two silent intervals it is replaced.
HEARTBEAT_S = 10
# No call to the broker blocks for longer. A worker's longest call to Redis waits there for 1 s.
TIMEOUT_S = 10
CONNECT_TIMEOUT_S = 4
BROKERS = ("amqp", "amqps", "pyamqp", "redis", "rediss", "redis+socket")


def socket_path(data_dir: Path) -> Path:
    """Return the embedded broker's socket: in the data folder, unless its path is too long."""
    path = data_dir / "broker.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return _private_folder(Path(tempfile.gettempdir()) / f"mediapipe-{name}") / "broker.sock"


def _private_folder(folder: Path) -> Path:
    """Create a folder for this user only; raise ImproperlyConfigured if it is not private.

    Its name can be predicted, so any local user could have created it to read what is published.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ImproperlyConfigured(
            f"{folder}, for the socket of the embedded broker, is not private to this user. Remove "
            f"it, or set DATA_DIR to a path of less than {MAX_SOCKET_PATH} bytes."
        )
    return folder


def broker_url(env: Env, name: str, default: str) -> str:
    """Return the broker's URL; raise ImproperlyConfigured without it: it may have a password."""
    url = text(env, name, default)
    try:
        parts = urlsplit(url)
        readable = parts.scheme in BROKERS and parts.port != 0
    except ValueError:
        readable = False
    if not readable:
        raise ImproperlyConfigured(
            f"{name} is not the URL of a broker; write for example "
            f"{name}=amqp://user:password@host:5672/vhost or {name}=redis://host:6379/0."
        )
    return url


def with_password(url: str, password: str) -> str:
    """Return the broker's URL with this password in place of its own, unless it is empty."""
    parts = urlsplit(url)
    # The embedded broker is a socket in a private folder, without a password.
    if not password or not parts.netloc:
        return url
    login, _, server = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    netloc = f"{user}:{quote(password, safe='')}@{server}"
    return urlunsplit(parts._replace(netloc=netloc))


def queue_type(env: Env, name: str, broker_url: str) -> str:
    """Return the type of RabbitMQ's queues; other brokers have one type only."""
    kind = text(env, name, "classic")
    if kind not in {"classic", "quorum"}:
        raise ImproperlyConfigured(f"{name} must be classic or quorum, for example {name}=quorum.")
    if kind == "quorum" and not broker_url.startswith(("amqp", "pyamqp")):
        raise ImproperlyConfigured(f"{name}=quorum needs RabbitMQ, an amqp:// CELERY_BROKER_URL.")
    return kind


def tls_options(broker_url: str) -> dict[str, Any] | None:
    """Return CELERY_BROKER_USE_SSL: a TLS broker needs a trusted certificate for its host name.

    Without it py-amqp accepts a trusted certificate for any host, and kombu accepts any certificate
    from a Redis server. Options in a Redis URL (`ssl_ca_certs=...`) are used as they are.
    """
    parts = urlsplit(broker_url)
    if parts.scheme == "amqps":
        # kombu fills in the host of the connection.
        return {"server_hostname": None, "cert_reqs": ssl.CERT_REQUIRED}
    if parts.scheme == "rediss" and "ssl_" not in parts.query:
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    return None


def transport_options(broker_url: str) -> dict[str, Any]:
    """Return CELERY_BROKER_TRANSPORT_OPTIONS: no message is lost unnoticed, and no call hangs."""
    if broker_url.startswith(("amqp", "pyamqp")):
        # A broker under a memory alarm does not respond: the timeouts turn that into an error.
        # (py-amqp sets TCP_USER_TIMEOUT and TCP keep-alive by default.)
        return {"confirm_publish": True, "read_timeout": TIMEOUT_S, "write_timeout": TIMEOUT_S}
    if broker_url.startswith("redis"):
        return {
            # Longer than the longest countdown plus download, or that task would run twice.
            "visibility_timeout": 3600,
            "unacked_restore_interval": 10,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": TIMEOUT_S,
            "socket_keepalive": True,
            # After this long without a reply kombu replaces the connection on which a worker waits.
            "health_check_interval": HEARTBEAT_S,
        }
    return {}
