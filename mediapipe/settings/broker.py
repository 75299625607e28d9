import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from mediapipe.settings.values import text

# Linux allows 108 bytes in the path of a unix socket, macOS 104.
MAX_SOCKET_PATH = 100
BROKERS = ("amqp", "amqps", "pyamqp", "redis", "rediss", "redis+socket")


def socket_path(data_dir: Path) -> Path:
    """Return the embedded broker's socket: in the data folder, unless its path is too long."""
    path = data_dir / "broker.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mediapipe-{name}.sock"


def broker_url(env: Env, name: str, default: str) -> str:
    """Return the URL of the broker; an error does not show it, as it may contain a password."""
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


def queue_type(env: Env, name: str, broker_url: str) -> str:
    """Return the type of RabbitMQ's queues; other brokers have one type only."""
    kind = text(env, name, "classic")
    if kind not in {"classic", "quorum"}:
        raise ImproperlyConfigured(f"{name} must be classic or quorum, for example {name}=quorum.")
    if kind == "quorum" and not broker_url.startswith(("amqp", "pyamqp")):
        raise ImproperlyConfigured(f"{name}=quorum needs RabbitMQ, an amqp:// CELERY_BROKER_URL.")
    return kind


def transport_options(broker_url: str) -> dict[str, Any]:
    """Return CELERY_BROKER_TRANSPORT_OPTIONS, so that no message is lost unnoticed."""
    if broker_url.startswith(("amqp", "pyamqp")):
        # A broker under a memory alarm does not respond: the timeouts turn that into an error.
        return {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
    if broker_url.startswith(("redis", "rediss", "valkey")):
        # Longer than the longest countdown and download together, or each would run twice.
        return {"visibility_timeout": 3600, "unacked_restore_interval": 10}
    return {}
