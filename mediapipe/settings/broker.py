"""Where tasks are published, and in what kind of queues they lie."""

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
LONGEST_SOCKET_PATH = 100
BROKERS = ("amqp", "amqps", "pyamqp", "redis", "rediss", "redis+socket")


def socket_path(data_dir: Path) -> Path:
    """Return where the embedded broker listens; a deep data folder gets a short stand-in."""
    path = data_dir / "broker.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mediapipe-{name}.sock"


def broker_url(env: Env, name: str, default: str) -> str:
    """Return the URL of a broker that is supported, and never show one that is not."""
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
    """Return which kind of queues RabbitMQ is to keep; other brokers have one kind only."""
    kind = text(env, name, "classic")
    if kind not in {"classic", "quorum"}:
        raise ImproperlyConfigured(f"{name} must be classic or quorum, for example {name}=quorum.")
    if kind == "quorum" and not broker_url.startswith(("amqp", "pyamqp")):
        raise ImproperlyConfigured(f"{name}=quorum needs RabbitMQ, an amqp:// CELERY_BROKER_URL.")
    return kind


def transport_options(broker_url: str) -> dict[str, Any]:
    """Return what the broker's transport needs so that no message is lost in silence."""
    if broker_url.startswith(("amqp", "pyamqp")):
        # A broker under a memory alarm answers nothing: the timeouts turn that into an error.
        return {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
    if broker_url.startswith(("redis", "rediss", "valkey")):
        # Longer than the longest countdown and download together, else each runs twice.
        return {"visibility_timeout": 3600, "unacked_restore_interval": 10}
    return {}
